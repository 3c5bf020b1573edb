/* The field page: its plain forms, taken over where this browser can keep what is written. */
import "./field/leave.js";
import { MOST_PHOTOS, rewritten, skewWords, valuesOf } from "./field/entries.js";
import { line, told } from "./field/lines.js";
import { small } from "./field/pictures.js";
import { send } from "./field/send.js";
import * as store from "./field/store.js";

const outbox = document.getElementById("outbox");
const bar = outbox.querySelector("[data-bar]");
const note = outbox.querySelector("[data-note]");
const list = outbox.querySelector("[data-list]");
const kept = outbox.querySelector("[data-kept]");
const RETRY = 30000;
const able = isSecureContext && "serviceWorker" in navigator && "indexedDB" in window;

let owner = "";
let how = "";
let met = null;
/* The line whose findings are being reported, and how many of them are left. */
let finding = { key: "", left: 0 };
let fromShell = false;

const field = () => document.getElementById("field");
const heardNow = () => Date.now() + (met ? met.skew : 0);
const dayOf = (instant) => new Date(instant + 8 * 3600000).toISOString().slice(0, 10);
const hourOf = (instant) => Number(new Date(instant + 8 * 3600000).toISOString().slice(11, 13));

function say(words, loud) {
  note.hidden = !words;
  note.firstElementChild.textContent = words;
  if (!loud) return;
  note.setAttribute("role", "alert");
  note.scrollIntoView({ block: "center" });
}

/* A demo lives on a day of its own, on purpose. */
function sayClock() {
  if (met && !("behind" in field().dataset)) say(skewWords(met.skew));
}

/* Said for a moment where the thumb is; the list above keeps it. */
function toast(words) {
  kept.querySelector("span").textContent = words;
  kept.hidden = false;
  clearTimeout(kept.timer);
  kept.timer = setTimeout(() => { kept.hidden = true; }, 5000);
}

/* ---- what waits, and how it went ---- */

async function show() {
  const mine = (await store.entries()).filter((one) => one.account === owner).sort((one, other) => other.order - one.order);
  const waiting = mine.filter((one) => one.state === "waiting").length;
  const words = told(how, waiting, navigator.onLine);
  bar.hidden = !words;
  bar.textContent = words;
  if (how === "signed-out" && waiting) {
    const way = document.createElement("a");
    way.href = outbox.dataset.login;
    way.textContent = "去登录";
    bar.append(" ", way);
  }
  list.hidden = !mine.length;
  const rows = mine.map((entry) => line(entry, { again, edit, away }));
  list.querySelector("ul").replaceChildren(...rows);
  mark(mine);
}

/* A slot that is written here already is not asked for again. */
function mark(mine) {
  const today = dayOf(heardNow());
  field().querySelectorAll("form[data-act='activities.patrol']").forEach((form) => {
    const slot = form.closest(".slot");
    const here = mine.some((one) => one.act === "activities.patrol" && one.state !== "refused" && one.day === today &&
      one.section === form.elements.section.value && one.slot === form.elements.slot.value);
    const written = slot.querySelector(".written");
    const stale = field().dataset.day !== today;
    if (written) written.hidden = stale;
    slot.querySelector(".two").hidden = here || (Boolean(written) && !stale);
    let said = slot.querySelector(".kept-here");
    if (here && !said && !(written && !stale)) {
      said = document.createElement("p");
      said.className = "meta kept-here";
      said.textContent = "记下了，在上面的单子里";
      slot.append(said);
    } else if (said && (!here || (written && !stale))) said.remove();
    if (slot.dataset.slot) slot.classList.toggle("later", (slot.dataset.slot === "evening") === (hourOf(heardNow()) < 12));
  });
}

/* One sending at a time; what is asked meanwhile is done once after it. */
let going = null;
let more = false;

function go() {
  if (going) {
    more = true;
    return going;
  }
  const done = () => {
    going = null;
    if (more) {
      more = false;
      go();
    }
  };
  going = goOnce();
  going.then(done, done);
  return going;
}

async function goOnce() {
  if (!owner) return undefined;
  const waited = (await store.entries()).some((one) => one.account === owner && one.state === "waiting");
  if (!waited && !fromShell) {
    how = "";
    return show();
  }
  const before = how;
  how = await send(owner);
  met = await store.known("met");
  if (how === "other") return location.reload();
  if (how === "stale" && before !== "stale") more = true;
  sayClock();
  await show();
  const refused = list.querySelectorAll("[data-state=refused]").length;
  if (waited && refused) toast("有 " + refused + " 条没有登记上，在这一页最上面，改好再发。");
  return how === "sent" ? refresh() : undefined;
}

/* The page anew from the server: what is written there, what is open now. */
async function refresh() {
  try {
    const answer = await fetch("/field/", { credentials: "same-origin", cache: "no-store", redirect: "manual" });
    if (!answer.ok) return undefined;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("field");
    if (!fresh || fresh.dataset.account !== owner) return undefined;
    if (field().contains(document.activeElement) && document.activeElement.closest("form")) return undefined;
    if (field().querySelector("details[open]")) return undefined;
    if (fromShell) return location.reload();
    field().replaceWith(document.adoptNode(fresh));
    await keepPage();
    takeOver();
    await show();
  } catch (lost) {
    // The page stands as it was.
  }
  return undefined;
}

async function keepPage() {
  const copy = field().cloneNode(true);
  copy.querySelectorAll("[name=csrfmiddlewaretoken], .kept-here").forEach((one) => one.remove());
  await store.keepPage({ account: owner, html: copy.outerHTML });
}

/* ---- writing ---- */

async function write(form) {
  const data = [...new FormData(form)];
  const values = valuesOf(data.filter(([, value]) => typeof value === "string"));
  const files = data.filter(([, value]) => value instanceof File && value.size).map(([, value]) => value);
  if (files.length > MOST_PHOTOS) return say("一条记录最多 " + MOST_PHOTOS + " 张照片，现在选了 " + files.length + " 张，还没有记。请少选几张再按。", true);
  const photos = [];
  for (const file of files) photos.push({ blob: await small(file), id: "" });
  const old = form.editing;
  if (old) {
    const all = await store.entries();
    const fresh = rewritten(all, old, values, photos.length ? photos : old.photos, crypto.randomUUID());
    Object.assign(fresh[0], { at: null, words: wordsOf(form) });
    await store.keep(...fresh);
    await store.drop(old.key);
    form.editing = null;
  } else {
    const section = values.section || "";
    const entry = {
      key: crypto.randomUUID(), account: owner, act: form.dataset.act, values, photos, at: null, wrote: Date.now(),
      skew: met ? met.skew : null, heard: met ? met.now : 0, because: led(form.dataset.act),
      state: "waiting", reason: "", order: Date.now(), day: dayOf(heardNow()), section, slot: values.slot || "",
      words: wordsOf(form),
    };
    await store.keep(entry);
    if (entry.act === "activities.patrol" && Number(values.found) > 0) follow(entry);
  }
  const words = wordsOf(form);
  form.reset();
  const folded = form.closest("details");
  if (folded) folded.open = false;
  toast("记下了：" + words);
  await show();
  await registered();
  return go();
}

function wordsOf(form) {
  const place = form.elements.place || form.elements.problem;
  const chosen = place && place.selectedOptions ? place.selectedOptions[0].textContent : "";
  if (form.dataset.act !== "activities.patrol") return form.dataset.words + (chosen ? "：" + chosen : "");
  const found = Number(form.elements.found.value);
  return form.dataset.words + (found ? "，发现 " + found + " 处" : "，无异常");
}

function led(act) {
  if (act !== "problems.report" || !finding.left) return "";
  finding.left -= 1;
  return finding.key;
}

/* What was found on a walk is reported next, at the same section, because of it. */
function follow(entry) {
  const form = document.querySelector("form[data-act='problems.report']");
  if (!form) return;
  finding = { key: entry.key, left: Number(entry.values.found) };
  form.closest("details").open = true;
  if ([...form.elements.place.options].some((one) => one.value === entry.section)) form.elements.place.value = entry.section;
  form.elements.place.focus();
}

async function again(entry) {
  await store.keep(Object.assign({}, entry, { state: "waiting", reason: "" }));
  await go();
}

async function away(entry) {
  await store.drop(entry.key);
  await show();
}

/* Put a refused entry back into its form, to be changed and sent under a new key. */
function edit(entry) {
  const forms = [...document.querySelectorAll(`form[data-act='${entry.act}']`)];
  const form = forms.find((one) => !entry.section || (one.elements.section.value === entry.section && one.elements.slot.value === entry.slot &&
    (one.classList.contains("found") || entry.values.found === "0"))) || forms[0];
  if (!form) return;
  form.reset();
  Object.keys(entry.values).forEach((name) => {
    const control = form.elements[name];
    if (!control) return;
    if (control.type === "checkbox") control.checked = true;
    else control.value = entry.values[name];
  });
  (entry.values.measures || []).slice(0, 1).forEach((one) => {
    form.elements["measures-indicator"].value = one.indicator;
    form.elements["measures-quantity"].value = one.quantity;
  });
  form.editing = entry;
  const folded = form.closest("details");
  if (folded) folded.open = true;
  if (form.closest(".two")) form.closest(".two").hidden = false;
  form.scrollIntoView({ block: "center" });
  const first = form.querySelector("select, input:not([type=hidden]), textarea, button");
  if (first) first.focus();
}

async function registered() {
  try {
    const worker = await navigator.serviceWorker.ready;
    if (worker.sync) await worker.sync.register("field");
  } catch (unable) {
    // The page tries by itself while it is open.
  }
}

/* Submitted by the page's own hand alone, so that nothing else sends it as well. */
function takeOver() {
  field().querySelectorAll("form[data-act]").forEach((form) => {
    form.setAttribute("method", "get");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      if (form.dataset.writing) return;
      form.dataset.writing = "1";
      write(form).catch((full) => {
        say("这台设备存不下了，没有记上：" + full.message + "。请先连网把上面的发出去，或少选几张照片。", true);
      }).finally(() => { delete form.dataset.writing; });
    });
  });
}

/* ---- opening ---- */

async function open() {
  met = await store.known("met");
  if (field().hasAttribute("data-shell")) {
    how = "offline";
    fromShell = true;
    owner = localStorage.getItem(store.LEFT) ? "" : (localStorage.getItem(store.OWNER) || "");
    const page = owner ? await store.pageOf(owner) : null;
    if (page) {
      const copy = new DOMParser().parseFromString(page.html, "text/html").getElementById("field");
      field().replaceWith(document.adoptNode(copy));
    }
  } else {
    owner = field().dataset.account;
    localStorage.removeItem(store.LEFT);
    localStorage.setItem(store.OWNER, owner);
    const now = Number(field().dataset.now);
    const arrived = performance.getEntriesByType("navigation")[0];
    const opened = Date.now() - (arrived ? performance.now() - arrived.responseStart : 0);
    met = { skew: now - opened, now };
    await store.know("met", met);
    await keepPage();
    const old = (await store.entries()).filter((one) => one.account === owner && one.state === "sent" && one.day !== dayOf(heardNow()));
    await store.drop(...old.map((one) => one.key));
  }
  sayClock();
  takeOver();
  /* What waits here must not be thrown out for want of room. */
  if (navigator.storage && navigator.storage.persist) navigator.storage.persist().catch(() => {});
  await navigator.serviceWorker.register("/sw.js", { scope: "/field/", updateViaCache: "none" });
  await show();
  await go();
}

document.documentElement.classList.add("js");
if (able) {
  store.onChange(() => show());
  addEventListener("online", go);
  addEventListener("offline", () => { how = "offline"; show(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) go(); });
  setInterval(() => { if (!document.hidden && how === "offline") go(); }, RETRY);
  open().catch((broken) => say("这个浏览器存不了资料（" + broken.message + "），不能离线登记，其他功能照常。"));
} else {
  say("此网址不能离线登记，其他功能照常。");
}
