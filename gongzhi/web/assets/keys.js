/* Keys for those who work here all day: / looks something up, g and a letter go somewhere, ? shows the list. Not while
   something is being typed, and not at all for those who turned them off (设置). */
const list = document.getElementById("shortcuts");
const places = Array.from(document.querySelectorAll("[data-key]"));
let going = 0;

function typing(target) {
  return target.closest("input, select, textarea, [contenteditable]") !== null;
}

function open(shown) {
  list.hidden = !shown;
  if (shown) list.querySelector("button").focus();
}

if (list) {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !list.hidden) return open(false);
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return undefined;
    const within = Date.now() - going < 1500;
    going = event.key === "g" ? Date.now() : 0;
    if (within) {
      const there = places.find((one) => one.dataset.key === event.key);
      if (there) there.click();
    } else if (event.key === "/") {
      const field = document.querySelector("[type=search]");
      const way = document.getElementById("look-up");
      if (field) field.focus();
      else if (way) way.click();
      else return undefined;
      event.preventDefault();
    } else if (event.key === "?") {
      open(list.hidden);
    }
    return undefined;
  });
  list.querySelector("button").addEventListener("click", () => open(false));
}
