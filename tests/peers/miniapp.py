"""Telegram's side of a Mini App: what it signs, and the page of its web client with the frame."""

import hashlib
import hmac
import html
import json
import time
from urllib.parse import quote, urlencode

WEB = "https://web.telegram.org"
LIGHT = {"bg_color": "#ffffff", "text_color": "#000000", "button_color": "#3390ec"}
DARK = {"bg_color": "#212121", "text_color": "#ffffff", "button_color": "#8774e1"}


def signed(token: str, person: int, age: int = 0, **more: str) -> str:
    """As Telegram does: HMAC of the sorted fields under HMAC("WebAppData", token)."""
    user = json.dumps({"id": person, "first_name": "Петро", "language_code": "uk"})
    fields = {"auth_date": str(int(time.time()) - age), "user": user, "query_id": "AAE"} | more
    text = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    key = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    return urlencode(fields | {"hash": hmac.new(key, text.encode(), hashlib.sha256).hexdigest()})


def opened(address: str, init: str, theme: dict[str, str]) -> str:
    """The address Telegram puts into the frame."""
    told = {
        "tgWebAppData": init,
        "tgWebAppVersion": "9.1",
        "tgWebAppPlatform": "weba",
        "tgWebAppThemeParams": json.dumps(theme),
    }
    return f"{address}#" + "&".join(
        f"{name}={quote(value, safe='')}" for name, value in told.items()
    )


def web_client(src: str) -> str:
    """A page of the web client: a header with its back button, the frame, the main button; it keeps
    in ``told`` what the frame says, and answers as the client does."""
    return f"""<!doctype html><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<style>html,body{{margin:0;height:100%}} body{{display:flex;flex-direction:column;font:16px sans-serif}}
header{{padding:.6rem;background:#3390ec;color:#fff}} iframe{{flex:1;border:0;width:100%}}</style>
<header><button id="back" hidden>&#8592;</button> Bot</header>
<iframe id="app" src="{html.escape(src, quote=True)}"></iframe><button id="main" hidden></button>
<script>
const told = [], frame = document.getElementById("app");
const say = (eventType, eventData) =>
  frame.contentWindow.postMessage(JSON.stringify({{ eventType, eventData }}), "*");
const size = () => say("viewport_changed",
  {{ height: frame.clientHeight, width: frame.clientWidth, is_expanded: true, is_state_stable: true }});
window.addEventListener("message", (event) => {{
  if (event.source !== frame.contentWindow) return;
  const {{ eventType, eventData }} = JSON.parse(event.data);
  told.push(eventType);
  if (eventType === "web_app_ready") size();
  if (eventType === "web_app_setup_back_button")
    document.getElementById("back").hidden = !eventData.is_visible;
  if (eventType === "web_app_setup_main_button") {{
    const main = document.getElementById("main");
    main.hidden = !eventData.is_visible;
    main.textContent = eventData.text;
  }}
}});
document.getElementById("back").onclick = () => say("back_button_pressed", {{}});
document.getElementById("main").onclick = () => say("main_button_pressed", {{}});
window.addEventListener("resize", size);
</script>"""
