/* The intake desk by keys: j and k go through what waits, a takes it up, m joins it, x says no, n goes to what is being
   told; Ctrl+Enter sends the form one is in. A place is looked up while it is typed, guesses come while one listens, a
   picture is pasted or dropped. */
const PAUSE = 180;
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

/* A place: a list under the field, moved through by arrows. */
function places(field) {
  const list = document.getElementById("place-list");
  const code = field.form.querySelector("[name=place_code]");
  let timer = 0;
  let asked = null;
  let chosen = -1;
  const options = () => Array.from(list.querySelectorAll("[role=option]"));
  const show = (shown) => {
    list.hidden = !shown;
    field.setAttribute("aria-expanded", String(shown));
    if (!shown) mark(-1);
  };
  const mark = (at) => {
    chosen = at;
    options().forEach((one, index) => one.setAttribute("aria-selected", String(index === at)));
    if (at < 0) field.removeAttribute("aria-activedescendant");
    else {
      field.setAttribute("aria-activedescendant", options()[at].id);
      options()[at].scrollIntoView({ block: "nearest" });
    }
  };
  const take = (one) => {
    field.value = one.dataset.name;
    code.value = one.dataset.code;
    show(false);
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const ask = async () => {
    if (asked) asked.abort();
    const text = field.value.trim();
    if (text.length < 2) { show(false); return; }
    asked = new AbortController();
    try {
      const way = field.dataset.places + "?" + new URLSearchParams({ place: text });
      const answer = await fetch(way, { signal: asked.signal, headers: { "HX-Request": "true" } });
      if (!answer.ok) { show(false); return; }
      const told = new DOMParser().parseFromString(await answer.text(), "text/html");
      list.textContent = "";
      list.append(...told.body.childNodes);
      mark(-1);
      show(options().length > 0 && document.activeElement === field);
    } catch (error) {
      if (error.name !== "AbortError") show(false);
    }
  };
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  show(false);
  field.addEventListener("input", (event) => {
    code.value = "";
    clearTimeout(timer);
    if (!event.isComposing) timer = setTimeout(ask, PAUSE);
  });
  field.addEventListener("compositionend", () => { timer = setTimeout(ask, PAUSE); });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || list.hidden) return;
    const all = options();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark((chosen + (event.key === "ArrowDown" ? 1 : all.length - (chosen < 0 ? 0 : 1))) % all.length);
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      take(all[Math.max(0, chosen)]);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      show(false);
    }
  });
  list.addEventListener("mousedown", (event) => {
    const one = event.target.closest("[role=option]");
    if (!one) return;
    event.preventDefault();
    take(one);
  });
  field.addEventListener("blur", () => show(false));
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
