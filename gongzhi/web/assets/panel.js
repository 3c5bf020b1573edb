/* The fact panel: the page behind a figure, beside it. The address names it after the #, so it can be sent. */
const panel = document.getElementById("panel");
const pages = /^#\/(facts|standing\/cell)\/\?/;
let opener = null;
let asked = "";

function figureFor(address) {
  return Array.from(document.querySelectorAll("a.fx")).find((a) => a.getAttribute("href") === address) || null;
}

function mark(link, open) {
  if (link) link.setAttribute("aria-expanded", String(open));
}

function hide() {
  asked = "";
  if (panel.hidden) return;
  panel.hidden = true;
  panel.textContent = "";
  document.body.classList.remove("panel-open");
  mark(opener, false);
  if (opener) opener.focus();
  opener = null;
}

async function show(address) {
  mark(opener, false);
  opener = figureFor(address) || opener;
  asked = address;
  const answer = await fetch(address, { headers: { "X-Panel": "1" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) {
    location.assign(address);
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (asked !== address) return;
  panel.textContent = "";
  panel.append(...page.body.childNodes);
  panel.hidden = false;
  document.body.classList.add("panel-open");
  mark(opener, true);
  const title = panel.querySelector("h2");
  if (title) {
    title.tabIndex = -1;
    title.focus();
  }
}

function follow() {
  const hash = location.hash;
  if (pages.test(hash)) show(hash.slice(1));
  else hide();
}

function leave() {
  history.pushState(null, "", location.pathname + location.search);
  hide();
}

if (panel) {
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target.closest("a.fx");
    if (link && pages.test("#" + link.getAttribute("href"))) {
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
    if (event.key === "Escape" && !panel.hidden) leave();
  });
  addEventListener("hashchange", follow);
  follow();
}
