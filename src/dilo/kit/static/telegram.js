// The few words of Telegram's Mini App protocol that we speak: open, theme, the back button.
"use strict";
(() => {
  const WEB = "https://web.telegram.org";
  const root = document.documentElement;
  const given = new URLSearchParams(location.hash.slice(1));
  const kept = (name, value) => {
    try {
      if (value) sessionStorage.setItem(name, value);
      return value || sessionStorage.getItem(name);
    } catch {
      return value;
    }
  };
  const say = (eventType, eventData = {}) => {
    const both = JSON.stringify({ eventType, eventData });
    if (window.TelegramWebviewProxy) {
      window.TelegramWebviewProxy.postEvent(eventType, JSON.stringify(eventData));
    } else if (window.external && "notify" in window.external) {
      window.external.notify(both);
    } else if (window.parent !== window) {
      window.parent.postMessage(both, WEB);
    }
  };
  // A dark ground there is a dark ground here; the colours stay the company's own, for contrast.
  const wear = (colours) => {
    const ground = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(
      (colours || {}).bg_color || "",
    );
    if (!ground) return;
    const [red, green, blue] = ground.slice(1).map((part) => parseInt(part, 16));
    const dark = red * 0.299 + green * 0.587 + blue * 0.114 < 128;
    root.dataset.theme = dark ? "dark" : "light";
    root.dataset.bsTheme = root.dataset.theme;
  };
  const hear = (type, data) => {
    if (type === "back_button_pressed") history.back();
    if (type === "theme_changed") {
      const colours = (data || {}).theme_params;
      kept("telegram-theme", JSON.stringify(colours || {}));
      wear(colours);
    }
  };
  window.Telegram = { WebView: { receiveEvent: hear } };
  window.TelegramGameProxy = { receiveEvent: hear };
  window.addEventListener("message", (event) => {
    if (event.origin !== WEB || event.source !== window.parent) return;
    try {
      const told = JSON.parse(event.data);
      hear(told.eventType, told.eventData);
    } catch {
      // Not a word of the protocol.
    }
  });
  try {
    wear(JSON.parse(kept("telegram-theme", given.get("tgWebAppThemeParams")) || "{}"));
  } catch {
    // A theme nobody can read: ours.
  }
  document.addEventListener("DOMContentLoaded", () => {
    say("web_app_ready");
    say("web_app_expand");
    const form = document.getElementById("telegram-open");
    const first = form || ["/", "/tg/session"].includes(location.pathname);
    say("web_app_setup_back_button", { is_visible: !first });
    if (!form) return;
    const init = given.get("tgWebAppData");
    if (init) {
      form.elements.init.value = init;
      form.submit();
    } else {
      form.hidden = true;
      document.getElementById("telegram-closed").hidden = false;
    }
  });
})();
