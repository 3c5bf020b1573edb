/* A form: the verb says it is being done, a second press does nothing, errors take the focus. One marked `data-keep`
   is sent without leaving the page, so that a lost line or a refusal loses nothing. */
import { combobox } from "./combobox.js";
import htmx from "./exchange.js";
import { keep, sent } from "./drafts.js";

function rest(form) {
  delete form.dataset.sent;
  const button = form.querySelector("button[data-verb]");
  if (button) button.textContent = button.dataset.verb;
}

/* Before htmx hears of it: it would line the second press up behind the first. */
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  form.dataset.sent = "1";
  const button = form.querySelector("button[data-busy]");
  if (button) {
    button.dataset.verb = button.textContent;
    button.style.minWidth = button.offsetWidth + "px";
    button.textContent = button.dataset.busy;
  }
}, true);

addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("form[data-sent]").forEach(rest);
});

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt;
  if (form.tagName !== "FORM" || !form.dataset.sent) return;
  const away = event.detail.xhr && event.detail.xhr.getResponseHeader("HX-Redirect");
  if (away) sent(form);
  else rest(form);
});

function exchange(form) {
  form.setAttribute("hx-post", form.getAttribute("action") || location.pathname + location.search);
  form.setAttribute("hx-target", "#main");
  form.setAttribute("hx-select", "#main");
  form.setAttribute("hx-swap", "outerHTML show:top");
  form.setAttribute("hx-sync", "this:drop");
  if (form.enctype === "multipart/form-data") {
    form.setAttribute("hx-encoding", form.enctype);
    form.setAttribute("hx-request", '{"timeout": 0}');
  }
  htmx.process(form);
}

/* Rows of amounts: add one, take one away. */
function growing(list) {
  if (list.nextElementSibling && list.nextElementSibling.matches(".more-rows")) return;
  const more = document.createElement("button");
  more.type = "button";
  more.className = "btn-line more-rows";
  more.textContent = list.dataset.rows;
  more.addEventListener("click", () => {
    const row = list.lastElementChild.cloneNode(true);
    const number = list.children.length;
    row.querySelectorAll(".look-field").forEach((box) => box.replaceWith(box.querySelector("input")));
    row.querySelectorAll("input, select").forEach((field) => {
      field.value = field.tagName === "SELECT" ? field.options[0].value : "";
      field.removeAttribute("aria-invalid");
      if (field.id) field.id = field.id.replace(/-\d+$/, "-" + number);
    });
    row.querySelectorAll("label").forEach((label) => {
      label.htmlFor = label.htmlFor.replace(/-\d+$/, "-" + number);
    });
    list.append(row);
    row.querySelectorAll("input[data-choices]").forEach(choosing);
    row.querySelector("select, input").focus();
  });
  list.after(more);
}

/* A thing chosen by name: what stands in its datalist is offered first, then what fits what is typed. */
const SHOWN = 8;
let lists = 0;

function option(text, beside) {
  const one = document.createElement("div");
  one.className = "look-option";
  one.setAttribute("role", "option");
  one.setAttribute("aria-selected", "false");
  one.dataset.text = text;
  [["span", text], ["small", text.includes(beside) ? "" : beside]].forEach(([tag, words]) => {
    if (!words) return;
    const part = document.createElement(tag);
    part.textContent = words;
    one.append(part);
  });
  return one;
}

function choosing(field) {
  if (field.closest(".look-field")) return;
  /* Its name stays: a row that is added is a copy of this one. */
  field.dataset.few = field.getAttribute("list") || field.dataset.few || "";
  const offered = document.getElementById(field.dataset.few);
  const few = offered ? Array.from(offered.options).slice(0, SHOWN) : [];
  const box = document.createElement("div");
  const list = document.createElement("div");
  box.className = "look-field narrow";
  list.className = "look-list";
  list.id = "choices-" + (lists += 1);
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "可能的");
  field.removeAttribute("list");
  field.replaceWith(box);
  box.append(field, list);
  combobox(field, list, {
    ask: (text) => text && field.dataset.choices + "?" + new URLSearchParams({ q: text }),
    take: (one) => { field.value = one.dataset.text; },
    first: () => few.map((one) => option(one.value, one.textContent)),
  });
}

function within(root, selector) {
  const found = Array.from(root.querySelectorAll(selector));
  return root.matches(selector) ? [root, ...found] : found;
}

htmx.onLoad((root) => {
  within(root, "[data-rows]").forEach(growing);
  within(root, "input[data-choices]").forEach(choosing);
  within(root, "form[data-keep]").forEach((form) => {
    exchange(form);
    keep(form);
  });
  const errors = root.querySelector(".errors, .same-as");
  if (errors) errors.focus();
});

/* A filter applies when chosen; the button stays for those without scripts. */
document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (!form || !form.matches("form[data-auto], form.filters")) return;
  if (form.requestSubmit) form.requestSubmit();
  else if (form.matches(".filters")) htmx.trigger(form, "submit");
  else form.submit();
});
