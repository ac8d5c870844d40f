// The portal without a network: its shell, and the last seen pages of goods and orders, each marked
// with the moment it was seen. Money pages are never kept. Another person's pages are thrown away.
const SHELL = `shell-${GIVEN.version}`;
const PAGES = "pages";
const MOST = 60;
const READABLE = /^\/($|goods(\/|$)|orders($|\/[0-9a-f-]{36}$)|cart$|quick-order$|lists(\/|$))/;
const NOT_OURS = /^\/(office|api|webhooks|health)(\/|$)/;
const SHOP = /^\/(uk|en|ru)(?=\/|$)/;
const LEAVING = /^\/(sign-out|sign-in|account\/company)/;

addEventListener("install", (event) =>
  event.waitUntil(
    (async () => {
      await (await caches.open(SHELL)).addAll(GIVEN.shell);
      await skipWaiting();
    })(),
  ),
);

addEventListener("activate", (event) =>
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys())
        if (name !== SHELL && name !== PAGES) await caches.delete(name);
      await clients.claim();
    })(),
  ),
);

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin || NOT_OURS.test(url.pathname)) return;
  if (request.method === "POST" && LEAVING.test(url.pathname))
    event.waitUntil(caches.delete(PAGES));
  if (request.method !== "GET") return;
  if (url.pathname.startsWith("/static/") || url.pathname === "/shop/theme.css")
    event.respondWith(still(request));
  else if (request.mode === "navigate") event.respondWith(page(event, url));
});

const still = async (request) => (await caches.match(request)) || fetch(request);

async function page(event, url) {
  try {
    const answer = await fetch(event.request);
    const kind = answer.headers.get("content-type") || "";
    if (
      answer.ok &&
      !answer.redirected &&
      READABLE.test(url.pathname) &&
      kind.startsWith("text/html")
    )
      event.waitUntil(keep(event.request.url, answer.clone()));
    const shop = SHOP.exec(url.pathname);
    if (shop && answer.ok) event.waitUntil(keepShop(`${shop[0]}/offline`).catch(() => {}));
    return answer;
  } catch {
    const pages = await caches.open(PAGES);
    return (
      (await pages.match(event.request.url, { ignoreVary: true })) ||
      (await caches.match(`${SHOP.exec(url.pathname)?.[0]}/offline`, { ignoreVary: true })) ||
      caches.match("/offline", { ignoreVary: true })
    );
  }
}

// What the shop says without a network, in its own colours; asked for as nobody, anew with each worker.
const kept = new Set();
async function keepShop(address) {
  if (kept.has(address)) return;
  kept.add(address);
  const answer = await fetch(address, { credentials: "omit" });
  const theme = /href="(\/shop\/theme\.css[^"]*)"/.exec(await answer.clone().text());
  if (!answer.ok || !theme) return;
  const shell = await caches.open(SHELL);
  await shell.add(theme[1]);
  await shell.put(address, answer);
}

async function keep(address, answer) {
  const text = await answer.text();
  const who = /<meta name="who" content="([^"]+)"/.exec(text)?.[1];
  if (!who) return;
  const kept = await (await caches.open(PAGES)).match("/who");
  if (kept && (await kept.text()) !== who) await caches.delete(PAGES);
  const pages = await caches.open(PAGES);
  await pages.put("/who", new Response(who));
  const headers = new Headers(answer.headers);
  headers.delete("content-length");
  headers.delete("content-encoding");
  const seen = text.replace("<html ", `<html data-as-of="${new Date().toISOString()}" `);
  await pages.delete(address, { ignoreVary: true });
  await pages.put(address, new Response(seen, { headers }));
  const all = await pages.keys();
  for (const old of all.slice(0, Math.max(0, all.length - MOST)))
    if (!old.url.endsWith("/who")) await pages.delete(old, { ignoreVary: true });
}
