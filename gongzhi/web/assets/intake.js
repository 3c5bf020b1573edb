/* The intake desk by keys: j and k go through what waits, a takes it up, m joins it, x says no, n goes to what is being
   told; Ctrl+Enter sends the form one is in. A place is looked up while it is typed, guesses come while one listens, a
   picture is pasted or dropped. */
import { combobox } from "./combobox.js";

const LISTEN = 500;

const typing = (target) => target.closest("input, select, textarea, [contenteditable]") !== null;

function unfold(form) {
  const folded = form.querySelector("details");
  if (folded) folded.open = true;
}

const KEYS = {
  j: () => document.querySelector("[data-go=next]"),
  k: () => document.querySelector("[data-go=before]"),
};

const AIMS = {
  a: ["[data-decide=accept]", "button[value=accept]"],
  m: ["[data-decide=merge]", "input[name=into], button[value=merge]"],
  x: ["[data-decide=decline]", "select"],
  n: ["#entry", "#description"],
};

document.addEventListener("keydown", (event) => {
  if (!document.querySelector("[data-intake]")) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    const form = event.target.closest("[data-intake] form");
    const button = form && form.querySelector("button[value=save], button[type=submit][name=do]");
    if (!button) return;
    event.preventDefault();
    const main = form.id === "entry" ? form.querySelector("button[value=save]") : button;
    main.click();
    return;
  }
  const off = !document.getElementById("shortcuts");
  if (off || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (KEYS[event.key]) {
    const link = KEYS[event.key]();
    if (link) link.click();
  } else if (AIMS[event.key]) {
    const [where, what] = AIMS[event.key];
    const form = document.querySelector(where);
    if (!form) return;
    unfold(form);
    form.querySelector(what).focus();
  } else {
    return;
  }
  event.preventDefault();
});

function places(field) {
  const code = field.form.querySelector("[name=place_code]");
  field.addEventListener("input", () => { code.value = ""; });
  combobox(field, document.getElementById("place-list"), {
    ask: (text) => text.length < 2 ? null : field.dataset.places + "?" + new URLSearchParams({ place: text }),
    take: (one) => { field.value = one.dataset.name; code.value = one.dataset.code; },
  });
}

/* What the words let one guess: asked by post, for words stand in no address. */
function hints(box) {
  const form = box.closest("form");
  let timer = 0;
  let asked = null;
  const ask = async () => {
    if (asked) asked.abort();
    asked = new AbortController();
    const told = new URLSearchParams();
    const given = new FormData(form);
    ["csrfmiddlewaretoken", "source", "place", "place_code", "category", "description", "same_as"].forEach((name) => {
      told.append(name, given.get(name) || "");
    });
    try {
      const answer = await fetch(box.dataset.hints, { method: "POST", body: told, signal: asked.signal, headers: { "HX-Request": "true" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      box.textContent = "";
      box.append(...page.body.childNodes);
    } catch (error) {
      // What may be the same is asked for once more when it is sent.
    }
  };
  const later = (event) => {
    if (!event.target.matches("[name=description], [name=place], [name=category]")) return;
    clearTimeout(timer);
    timer = setTimeout(ask, LISTEN);
  };
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  box.addEventListener("click", (event) => {
    const guess = event.target.closest("[name=guess]");
    if (!guess) return;
    event.preventDefault();
    const select = form.querySelector("[name=category]");
    select.value = guess.value;
    select.dispatchEvent(new Event("change", { bubbles: true }));
    select.focus();
  });
}

/* Pictures pasted or dropped anywhere on the page go to the photos of the form, as if taken with the camera. */
function give(files) {
  const camera = document.getElementById("photos-camera");
  const pictures = Array.from(files).filter((one) => one.type.startsWith("image/"));
  if (!camera || !pictures.length) return false;
  const bag = new DataTransfer();
  pictures.forEach((one) => bag.items.add(one));
  camera.files = bag.files;
  camera.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
}

function ready(entry) {
  entry.querySelectorAll("[data-places]").forEach(places);
  entry.querySelectorAll("[data-hints]").forEach(hints);
}

const desk = () => document.querySelector("[data-intake]");
if (desk()) {
  document.addEventListener("paste", (event) => {
    if (desk() && event.clipboardData && give(event.clipboardData.files)) event.preventDefault();
  });
  document.addEventListener("dragover", (event) => {
    if (desk() && Array.from(event.dataTransfer.types).indexOf("Files") >= 0) {
      event.preventDefault();
      document.getElementById("entry").classList.add("dropping");
    }
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget && desk()) document.getElementById("entry").classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    if (!desk()) return;
    document.getElementById("entry").classList.remove("dropping");
    if (give(event.dataTransfer.files)) event.preventDefault();
  });
  ready(document.getElementById("entry"));
  document.addEventListener("htmx:load", (event) => {
    const entry = event.detail.elt.querySelector && event.detail.elt.querySelector("#entry");
    if (entry) ready(entry);
  });
}
