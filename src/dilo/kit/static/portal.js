// The portal without a network: a page kept on the device says when it was seen; a form with
// data-draft is kept as it is typed and sent when the network is back. Its key makes it count once.
(() => {
  const bar = document.querySelector("#network");
  const who = document.querySelector("meta[name=who]")?.content;
  const asOf = document.documentElement.dataset.asOf;
  navigator.serviceWorker?.register("/worker.js").catch(() => {});
  if (!bar || !who || !window.indexedDB) return;

  const say = (state, moment) => {
    bar.hidden = !state;
    for (const part of bar.querySelectorAll("[data-state]"))
      part.hidden = part.dataset.state !== state;
    if (moment)
      bar.querySelector("time").textContent = new Date(moment).toLocaleString(
        document.documentElement.lang,
        { dateStyle: "medium", timeStyle: "short" },
      );
  };

  const open = () =>
    new Promise((done, failed) => {
      const asked = indexedDB.open("dilo-drafts", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("drafts", { keyPath: "name" });
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => failed(asked.error);
    });
  const within = async (mode, deed) => {
    const db = await open();
    try {
      return await new Promise((done, failed) => {
        const asked = deed(db.transaction("drafts", mode).objectStore("drafts"));
        asked.onsuccess = () => done(asked.result);
        asked.onerror = () => failed(asked.error);
      });
    } finally {
      db.close();
    }
  };
  const drafts = async () =>
    (await within("readonly", (store) => store.getAll())).filter((one) => one.who === who);
  const put = (draft) => within("readwrite", (store) => store.put(draft));
  const drop = (name) => within("readwrite", (store) => store.delete(name));

  const forms = [...document.querySelectorAll("form[data-draft]")];
  const formOf = (name) => forms.find((form) => form.dataset.draft === name);
  const fields = (form) =>
    [...new FormData(form)].filter(
      ([name, value]) => typeof value === "string" && name !== "_csrf_token",
    );
  const made = (form, state) => ({
    name: form.dataset.draft,
    who,
    state,
    action: form.getAttribute("action"),
    page: location.pathname,
    key: form.elements.key.value,
    fields: fields(form),
    at: Date.now(),
  });

  // What was typed comes back with its key, so a list whose answer was lost is still the same list.
  const restore = (draft) => {
    const form = formOf(draft.name);
    const text = form?.querySelector("textarea[data-kept]");
    const kept = draft.fields.find(([name]) => name === text?.name)?.[1];
    if (!text || text.value || !kept) return false;
    text.value = kept;
    form.elements.key.value = draft.key;
    return true;
  };

  // A review of what was sent is not its end: Back finds the text as it was until the review is sent.
  const ENDED = "dilo-draft-ended";
  const ended = sessionStorage.getItem(ENDED);
  sessionStorage.removeItem(ENDED);
  const reviewed = (draft) => document.querySelector(`form[data-draft-ends="${draft.name}"]`);

  const reachable = async () => {
    if (!navigator.onLine) return false;
    try {
      return (await fetch("/health", { cache: "no-store", signal: AbortSignal.timeout(4000) })).ok;
    } catch {
      return false;
    }
  };

  // Sent as the page itself would send it, with a token of today. Anything but a way on to another
  // page is a question to the buyer: the draft stays, and he is shown where to look.
  const send = async (draft) => {
    const page = await fetch(draft.page, { cache: "no-store" });
    const token = new DOMParser()
      .parseFromString(await page.text(), "text/html")
      .querySelector("form [name=_csrf_token]")?.value;
    const body = new FormData();
    for (const [name, value] of draft.fields) body.append(name, value);
    body.set("key", draft.key);
    body.set("_csrf_token", token || "");
    const answer = await fetch(draft.action, {
      method: "POST",
      body: new URLSearchParams(body),
      referrer: draft.page,
    });
    const went =
      answer.ok &&
      answer.redirected &&
      new URL(answer.url).pathname !== draft.page &&
      !answer.url.includes("/sign-in");
    if (went) await drop(draft.name);
    else await put({ ...draft, state: "asked" });
    say(went ? "sent" : "asked");
    const link = bar.querySelector(went ? "[data-state=sent] a" : "[data-state=asked] a");
    if (link) link.href = went ? new URL(answer.url).pathname : draft.page;
  };
  let sending = false;
  const sync = async () => {
    const waiting = (await drafts()).filter((one) => one.state === "waiting");
    if (!waiting.length || sending) return;
    say("waiting");
    sending = true;
    try {
      if (await reachable()) for (const draft of waiting) await send(draft);
    } catch {
      say("waiting");
    } finally {
      sending = false;
    }
  };

  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-draft]");
    if (form && event.target.matches("[data-kept]")) put(made(form, "typed")).catch(() => {});
  });
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (form.dataset.draftEnds) sessionStorage.setItem(ENDED, form.dataset.draftEnds);
      if (form.matches('[action="/sign-out"]')) {
        indexedDB.deleteDatabase("dilo-drafts");
        return;
      }
      if (!form.matches("[data-draft]") || form.dataset.reached) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      (async () => {
        if (await reachable()) {
          await put(made(form, "sending"));
          form.dataset.reached = "1";
          form.requestSubmit(event.submitter);
        } else {
          await put(made(form, "waiting"));
          say("waiting");
        }
      })().catch(() => {
        form.dataset.reached = "1";
        form.requestSubmit(event.submitter);
      });
    },
    true,
  );
  addEventListener("pageshow", () => forms.forEach((form) => delete form.dataset.reached));
  addEventListener("online", () => sync().catch(() => {}));
  setInterval(() => sync().catch(() => {}), 20000);

  (async () => {
    if (asOf) say("kept", asOf);
    for (const draft of await drafts()) {
      const here = formOf(draft.name);
      const sent = draft.state === "sending" || draft.name === ended;
      if (sent && reviewed(draft)) await put({ ...draft, state: "typed" });
      else if (sent && !here) await drop(draft.name);
      else if (draft.state !== "waiting" && here?.querySelector("textarea[data-kept]")?.value)
        await put(made(here, "typed"));
      else if (draft.state !== "waiting" && here) restore(draft);
    }
    await sync();
  })().catch(() => {});
})();
