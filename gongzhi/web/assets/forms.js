/* A form: the verb says it is being done, and a second press does nothing. Errors take the focus. */
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

/* Rows of amounts: add one, take one away. */
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

/* A filter applies when chosen; the button stays for those without scripts. */
document.querySelectorAll("form[data-auto]").forEach((form) => {
  form.addEventListener("change", () => (form.requestSubmit ? form.requestSubmit() : form.submit()));
});
