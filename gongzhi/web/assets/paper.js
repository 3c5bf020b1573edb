/* On paper a figure cannot be opened: it gets a number, and the last page says where its records are. A page that
   prints its own sources (a briefing) is left alone. */
const sources = document.getElementById("sources");

addEventListener("beforeprint", () => {
  const list = sources.querySelector("ol");
  list.textContent = "";
  if (document.querySelector("main .sources")) return;
  document.querySelectorAll("main a.fx").forEach((figure) => {
    const line = document.createElement("li");
    const place = figure.closest("dl > div, tr, li, p");
    const name = figure.getAttribute("aria-label") || (place ? place.textContent.replace(/\s+/g, " ").trim().slice(0, 40) : figure.textContent);
    line.textContent = `${name}：${figure.href}`;
    list.append(line);
  });
  sources.hidden = !list.children.length;
});
addEventListener("afterprint", () => { sources.hidden = true; });
