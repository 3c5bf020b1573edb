/* Sending what waits: ask whose session this is, send the photos, then the entries in batches, each answered on its
   own. Nothing leaves the device's list before its answer is here, and its key makes a second sending harmless. */
import { BATCH, answered, instantOf, itemOf, waitingOf } from "./entries.js";
import * as store from "./store.js";

const SESSION = "/field/session/";
const PATIENCE = 60000;

class Halt extends Error {}
const halt = (state) => { const told = new Halt(state); told.state = state; return told; };

async function ask(address, options) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE);
  try {
    return await fetch(address, Object.assign({ credentials: "same-origin", cache: "no-store", redirect: "manual", signal: stop.signal }, options));
  } catch (lost) {
    throw halt("offline");
  } finally {
    clearTimeout(timer);
  }
}

async function read(answer) {
  if (answer.type === "opaqueredirect" || answer.status === 401) throw halt("signed-out");
  if (answer.status >= 500 || answer.status === 429) throw halt("offline");
  try {
    return await answer.json();
  } catch (unreadable) {
    // Cut off on the way, or a machine between that asks for something of its own.
    throw halt(answer.ok ? "offline" : "signed-out");
  }
}

/* Whose session it is, and how far this device's clock is off. */
export async function meet() {
  const asked = Date.now();
  const told = await read(await ask(SESSION, {}));
  const skew = told.now - (asked + Date.now()) / 2;
  await store.know("met", { skew, now: told.now });
  return { account: told.account, csrf: told.csrf, now: told.now, skew };
}

function post(met, address, body, more) {
  const headers = Object.assign({ "X-CSRFToken": met.csrf, "X-Account": met.account }, more);
  return ask(address, { method: "POST", headers, body });
}

async function sendPhotos(met, entry) {
  for (const photo of entry.photos) {
    if (photo.id) continue;
    const body = new FormData();
    body.append("file", photo.blob, "photo.jpg");
    const answer = await post(met, "/api/files", body);
    const told = await read(answer);
    if (answer.status === 403 || answer.status === 409) throw halt("stale");
    if (!answer.ok) {
      await store.keep(answered(entry, { status: answer.status, reason: told.reason, field: "photos" }));
      return false;
    }
    photo.id = told.id;
    await store.keep(entry);
  }
  return true;
}

/* Lines first, then what was found on them: those of one kind, side by side, are written together. */
const sideBySide = (entries) => [...entries].sort((one, other) => (one.act > other.act) - (one.act < other.act));

async function sendBatch(met, batch) {
  const answer = await post(met, "/api/acts", JSON.stringify(batch.map(itemOf)), { "Content-Type": "application/json" });
  const told = await read(answer);
  if (!Array.isArray(told)) {
    if (told.code === "ledger.stale" && batch.length > 1) {
      await sendBatch(met, batch.slice(0, batch.length / 2));
      return sendBatch(met, batch.slice(batch.length / 2));
    }
    throw halt(told.code === "api.account" ? "other" : "stale");
  }
  await store.keep(...batch.map((entry, row) => answered(entry, told[row])));
  return undefined;
}

async function rounds(owner) {
  const met = await meet();
  if (owner && met.account !== owner) throw halt("other");
  /* Bounded: an entry is answered, or put back at most twice (its cause, its photos). */
  for (let round = 0; round < 40; round += 1) {
    const waiting = waitingOf(await store.entries(), met.account).slice(0, BATCH);
    if (!waiting.length) return "sent";
    waiting.forEach((entry) => { entry.at = instantOf(entry, met); });
    await store.keep(...waiting);
    const ready = [];
    for (const entry of waiting) if (await sendPhotos(met, entry)) ready.push(entry);
    if (ready.length) await sendBatch(met, sideBySide(ready));
  }
  return "sent";
}

/* One sender at a time on this device, whichever window or worker. How it went: sent, offline, signed-out, other (one
   more account is signed in here), stale, busy. `owner`: whose page this is. A page waits for its turn, for what it has
   just written may be more than the one before it saw; the worker (`ifAvailable`) leaves it to who is sending. */
export async function send(owner, ifAvailable) {
  const work = async () => {
    try {
      return await rounds(owner);
    } catch (told) {
      if (told instanceof Halt) return told.state;
      throw told;
    }
  };
  if (!navigator.locks) return work();
  return navigator.locks.request("field-send", { ifAvailable: Boolean(ifAvailable) }, (lock) => (lock ? work() : "busy"));
}
