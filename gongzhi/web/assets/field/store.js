/* What this browser keeps: the entries, the page as it stood for the account that opened it last, and who that was.
   IndexedDB without a library: three stores, a promise a question. */
const NAME = "field";
const CHANGED = "field-changed";
/* Set when somebody signs out, for the page may be gone before the database has answered. */
export const LEFT = "field-left";
export const OWNER = "field-owner";

let opened = null;

function open() {
  opened = opened || new Promise((done, fail) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("entries", { keyPath: "key" });
      asked.result.createObjectStore("pages", { keyPath: "account" });
      asked.result.createObjectStore("known", { keyPath: "name" });
    };
    asked.onsuccess = () => {
      asked.result.onversionchange = () => asked.result.close();
      done(asked.result);
    };
    asked.onerror = () => { opened = null; fail(asked.error); };
  });
  return opened;
}

async function within(store, mode, ask) {
  const base = await open();
  return new Promise((done, fail) => {
    const work = base.transaction(store, mode);
    const asked = ask(work.objectStore(store));
    work.oncomplete = () => done(asked && asked.result);
    work.onerror = work.onabort = () => fail(work.error);
  });
}

const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(CHANGED);

/* Another window, or the worker, changed an entry. */
export function onChange(heard) {
  if (channel) channel.onmessage = heard;
}

export const entries = () => within("entries", "readonly", (store) => store.getAll());

/* Everything or nothing of it is kept. */
export async function keep(...rows) {
  await within("entries", "readwrite", (store) => rows.forEach((row) => store.put(row)));
  if (channel) channel.postMessage("");
}

export async function drop(...keys) {
  await within("entries", "readwrite", (store) => keys.forEach((key) => store.delete(key)));
  if (channel) channel.postMessage("");
}

export const pageOf = (account) => within("pages", "readonly", (store) => store.get(account));
export const keepPage = (page) => within("pages", "readwrite", (store) => { store.clear(); store.put(page); });
export const wipePages = () => within("pages", "readwrite", (store) => { store.clear(); });

export async function known(name) {
  const row = await within("known", "readonly", (store) => store.get(name));
  return row ? row.value : null;
}
export const know = (name, value) => within("known", "readwrite", (store) => { store.put({ name, value }); });
