/* Everything here only shortens a way that also works without it: a figure is a link to its page of records,
   a message is a notice, a form posts. Syntax: es2019. */
(function () {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");

  /* ---------- the fact panel: the page behind a figure, beside it ---------- */
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

  /* ---------- a message leaves after 8 s, unless it is being read ---------- */
  const said = document.querySelector(".said");
  if (said) {
    const rest = () => said.matches(":hover") || said.contains(document.activeElement);
    const timer = setInterval(() => {
      if (rest()) return;
      said.remove();
      clearInterval(timer);
    }, 8000);
  }

  /* ---------- a form: the verb says it is being done, and a second press does nothing ---------- */
  const errors = document.querySelector(".errors");
  if (errors) errors.focus();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    const button = form.querySelector("button[data-busy]");
    if (button) {
      button.style.minWidth = button.offsetWidth + "px";
      button.textContent = button.dataset.busy;
    }
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });

  /* ---------- rows of amounts: add one, take one away ---------- */
  document.querySelectorAll("[data-rows]").forEach((list) => {
    const more = document.createElement("button");
    more.type = "button";
    more.className = "btn-line";
    more.textContent = list.dataset.rows;
    more.addEventListener("click", () => {
      const row = list.lastElementChild.cloneNode(true);
      const number = list.children.length;
      row.querySelectorAll("input, select").forEach((field) => {
        field.value = field.tagName === "SELECT" ? field.options[0].value : "";
        field.removeAttribute("aria-invalid");
        if (field.id) field.id = field.id.replace(/-\d+$/, "-" + number);
      });
      row.querySelectorAll("label").forEach((label) => {
        label.htmlFor = label.htmlFor.replace(/-\d+$/, "-" + number);
      });
      list.append(row);
      row.querySelector("select, input").focus();
    });
    list.after(more);
  });

  /* ---------- a filter applies when chosen; the button stays for those without scripts ---------- */
  document.querySelectorAll("form[data-auto]").forEach((form) => {
    form.addEventListener("change", () => form.requestSubmit ? form.requestSubmit() : form.submit());
  });

  /* ---------- half an hour without a page signs out: say so before, and offer to stay ---------- */
  const idle = document.getElementById("idle");
  if (idle) {
    const stay = idle.querySelector("button");
    let timer = 0;
    const wait = (seconds) => {
      clearTimeout(timer);
      timer = setTimeout(() => { idle.hidden = false; stay.focus(); }, Math.max(5, seconds - 120) * 1000);
    };
    stay.addEventListener("click", async () => {
      const answer = await fetch(idle.dataset.stay, { credentials: "same-origin" });
      if (answer.redirected || !answer.ok) return location.reload();
      idle.hidden = true;
      wait(Number(idle.dataset.seconds));
    });
    wait(Number(idle.dataset.left));
  }
})();
