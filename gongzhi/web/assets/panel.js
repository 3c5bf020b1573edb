/* The fact panel: the page behind a figure, beside it. The address names it after the #, so it can be sent. */
import htmx from "./exchange.js";

const pages = /^#\/(facts|standing\/cell|statistics\/rows)\/\?/;
let opener = null;

const panel = () => document.getElementById("panel");

function figureFor(address) {
  return Array.from(document.querySelectorAll("a.fx")).find((a) => a.getAttribute("href") === address) || null;
}

function mark(link, open) {
  if (link) link.setAttribute("aria-expanded", String(open));
}

function hide() {
  const shown = panel();
  if (!shown || shown.hidden) return;
  shown.hidden = true;
  shown.textContent = "";
  document.body.classList.remove("panel-open");
  mark(opener, false);
  if (opener) opener.focus();
  opener = null;
}

async function show(address) {
  const place = panel();
  mark(opener, false);
  opener = figureFor(address) || opener;
  place.setAttribute("hx-sync", "this:replace");
  await htmx.ajax("GET", address, { source: place, target: place, swap: "innerHTML", headers: { "X-Panel": "1" } });
  if (location.hash !== "#" + address || !place.firstElementChild) return;
  place.hidden = false;
  document.body.classList.add("panel-open");
  mark(opener, true);
  const title = place.querySelector("h2");
  if (title) {
    title.tabIndex = -1;
    title.focus();
  }
}

function follow() {
  const hash = location.hash;
  if (panel() && pages.test(hash)) show(hash.slice(1));
  else hide();
}

function leave() {
  history.pushState(null, "", location.pathname + location.search);
  hide();
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = event.target.closest("a.fx");
  if (link && panel() && pages.test("#" + link.getAttribute("href"))) {
    event.preventDefault();
    opener = link;
    const hash = "#" + link.getAttribute("href");
    if (location.hash === hash) follow();
    else location.hash = hash;
  } else if (event.target.closest(".panel .close")) {
    event.preventDefault();
    leave();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && panel() && !panel().hidden) leave();
});
addEventListener("hashchange", follow);
follow();
