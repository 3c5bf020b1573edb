/* What may be meant, while it is being typed: asked a moment after the last key, moved through by arrows, opened by
   Enter. Without an option chosen Enter searches as it does without this. */
const PAUSE = 180;

for (const form of document.querySelectorAll("form[data-suggest]")) {
  const field = form.querySelector("[type=search]");
  const list = form.querySelector("[role=listbox]");
  let timer = 0;
  let asked = null;
  let chosen = -1;

  const options = () => Array.from(list.querySelectorAll("[role=option]"));

  const show = (shown) => {
    list.hidden = !shown;
    field.setAttribute("aria-expanded", String(shown));
    if (!shown) choose(-1);
  };

  const choose = (at) => {
    const all = options();
    chosen = all.length ? (at + all.length + 1) % (all.length + 1) : -1;
    if (chosen === all.length) chosen = -1;
    all.forEach((one, index) => one.setAttribute("aria-selected", String(index === chosen)));
    if (chosen < 0) field.removeAttribute("aria-activedescendant");
    else {
      field.setAttribute("aria-activedescendant", all[chosen].id);
      all[chosen].scrollIntoView({ block: "nearest" });
    }
  };

  const ask = async () => {
    const text = field.value.trim();
    if (asked) asked.abort();
    if (text.length < 2) return show(false);
    asked = new AbortController();
    const place = form.querySelector("[name=place]");
    const query = new URLSearchParams({ q: text, ...(place ? { place: place.value } : {}) });
    try {
      const answer = await fetch(`${form.dataset.suggest}?${query}`, { signal: asked.signal, headers: { "HX-Request": "true" } });
      if (!answer.ok) return show(false);
      const told = new DOMParser().parseFromString(await answer.text(), "text/html");
      list.textContent = "";
      list.append(...told.body.childNodes);
      chosen = -1;
      return show(options().length > 0 && document.activeElement === field);
    } catch (error) {
      if (error.name !== "AbortError") show(false);
      return undefined;
    }
  };

  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  show(false);
  field.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (!event.isComposing) timer = setTimeout(ask, PAUSE);
  });
  field.addEventListener("compositionend", () => { timer = setTimeout(ask, PAUSE); });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) ask();
      else choose(chosen + (event.key === "ArrowDown" ? 1 : chosen < 0 ? 0 : -1));
    } else if (event.key === "Enter" && chosen >= 0) {
      event.preventDefault();
      options()[chosen].click();
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      show(false);
    }
  });
  form.addEventListener("focusout", (event) => { if (!form.contains(event.relatedTarget)) show(false); });
}

/* Arrows go from hit to hit. */
const found = document.getElementById("found");
if (found) {
  found.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const links = Array.from(found.querySelectorAll("a.name"));
    const at = links.indexOf(document.activeElement);
    const next = links[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (at >= 0 && next) {
      event.preventDefault();
      next.focus();
    }
  });
}
