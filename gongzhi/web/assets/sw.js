/* The service worker of the field page: it keeps the page's frame and what the frame is built of, nothing of anybody,
   and sends what waits when the line comes back. Its addresses (KEPT) are written in front of it by the server. */
import { send } from "./field/send.js";

const PREFIX = "field-";
const FIELD = "/field/";
const SHELL = self.KEPT[0];
const PATIENCE = 6000;

/* A new build has other addresses, and so a cache of its own. */
const NAME = PREFIX + self.KEPT.join("|").split("").reduce((sum, one) => (sum * 31 + one.charCodeAt(0)) >>> 0, 7).toString(36);

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const kept = await caches.open(NAME);
    /* Without cookies: the frame is nobody's. */
    await kept.addAll(self.KEPT.map((address) => new Request(address, { credentials: "omit", cache: "reload" })));
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.indexOf(PREFIX) === 0 && name !== NAME).map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

const kept = async (address) => (await caches.open(NAME)).match(address);

async function pageOrShell(request) {
  let timer = 0;
  const late = new Promise((done) => { timer = setTimeout(done, PATIENCE); });
  try {
    const answer = await Promise.race([fetch(request), late]);
    if (answer && answer.status < 500) return answer;
  } catch (lost) {
    // No line.
  } finally {
    clearTimeout(timer);
  }
  return (await kept(SHELL)) || fetch(request);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== location.origin) return;
  if (request.mode === "navigate" && address.pathname === FIELD) event.respondWith(pageOrShell(request));
  else if (self.KEPT.indexOf(address.pathname) > 0) event.respondWith(kept(address.pathname).then((found) => found || fetch(request)));
});

self.addEventListener("sync", (event) => {
  if (event.tag === "field") event.waitUntil(send("", true).then((how) => { if (how === "offline") throw new Error(how); }));
});
