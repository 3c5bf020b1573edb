/* A list under a field while one types, moved through by arrows. `ask` gives the address that answers with options, or
   nothing; `take` puts the one that was chosen into the field; `first` puts what is offered before anything is typed
   into the list. */
const PAUSE = 180;

export function combobox(field, list, { ask, take, first }) {
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
  const choose = (one) => {
    take(one);
    show(false);
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const fill = (some) => {
    list.textContent = "";
    list.append(...some);
    options().forEach((one, index) => { one.id = list.id + "-" + index; });
    mark(-1);
    show(options().length > 0 && document.activeElement === field);
  };
  const look = async () => {
    if (asked) asked.abort();
    const text = field.value.trim();
    const way = ask(text);
    if (!way) {
      if (first && !text) fill(first());
      else show(false);
      return;
    }
    asked = new AbortController();
    try {
      const answer = await fetch(way, { signal: asked.signal, headers: { "HX-Request": "true" } });
      if (!answer.ok) { show(false); return; }
      const told = new DOMParser().parseFromString(await answer.text(), "text/html");
      fill(Array.from(told.body.children));
    } catch (error) {
      if (error.name !== "AbortError") show(false);
    }
  };
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  show(false);
  field.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (!event.isComposing) timer = setTimeout(look, PAUSE);
  });
  field.addEventListener("compositionend", () => { timer = setTimeout(look, PAUSE); });
  if (first) {
    field.addEventListener("focus", () => { if (!field.value) fill(first()); });
    field.addEventListener("click", () => { if (!field.value && list.hidden) fill(first()); });
  }
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || list.hidden) return;
    const all = options();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark((chosen + (event.key === "ArrowDown" ? 1 : all.length - (chosen < 0 ? 0 : 1))) % all.length);
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      /* Nothing typed and nothing marked means none of them. */
      if (chosen < 0 && !field.value.trim()) return;
      event.preventDefault();
      choose(all[Math.max(0, chosen)]);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      show(false);
    }
  });
  list.addEventListener("mousedown", (event) => {
    const one = event.target.closest("[role=option]");
    if (!one) return;
    event.preventDefault();
    choose(one);
  });
  field.addEventListener("blur", () => show(false));
}
