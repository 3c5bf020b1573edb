/* What was typed and not yet saved: kept in this browser while it is written, given back when the form is opened
   again, gone when it was saved, at sign-out and when somebody else signs in. Never a password, a file or what is
   sealed (data-sealed). Without an account it lasts as long as the tab. */
const account = document.body.dataset.account || "";
const kept = account ? localStorage : sessionStorage;
const PREFIX = "draft:";
const HOURS = 12;

/* A form that says where it goes is the same form wherever it stands. */
function nameOf(form) {
  return PREFIX + (form.getAttribute("action") || location.pathname + location.search) + "#" + form.id;
}

function fields(form) {
  return Array.from(form.elements).filter((one) =>
    one.name && !one.disabled && one.matches("input, select, textarea") && !one.closest("[data-sealed]") &&
    ["hidden", "password", "file", "submit", "button"].indexOf(one.type) < 0);
}

const isTick = (one) => one.type === "checkbox" || one.type === "radio";

function typed(form) {
  return fields(form).map((one) => [one.name, isTick(one) ? one.checked : one.value]);
}

function write(form) {
  try {
    kept.setItem(nameOf(form), JSON.stringify({ account, at: Date.now(), fields: typed(form) }));
  } catch (full) {
    // The page still holds it.
  }
}

export function sent(form) {
  clearTimeout(form.draftTimer);
  kept.removeItem(nameOf(form));
}

function read(form) {
  try {
    return JSON.parse(kept.getItem(nameOf(form)));
  } catch (unreadable) {
    return null;
  }
}

function giveBack(form, draft) {
  const grown = {};
  draft.fields.forEach(([name, value]) => {
    const at = (grown[name] = (grown[name] === undefined ? -1 : grown[name]) + 1);
    let all = fields(form).filter((one) => one.name === name);
    if (at >= all.length && all.length && all[0].closest("[data-rows]")) {
      all[0].closest("[data-rows]").nextElementSibling.click();
      all = fields(form).filter((one) => one.name === name);
    }
    const one = all[at];
    if (!one) return;
    if (isTick(one)) one.checked = value;
    else one.value = value;
    const folded = one.closest("details");
    if (folded && value && value !== true) folded.open = true;
  });
}

export function keep(form) {
  const blank = JSON.stringify(typed(form));
  const draft = read(form);
  if (draft && form.hasAttribute("data-fresh") && JSON.stringify(draft.fields) !== blank) {
    giveBack(form, draft);
    document.activeElement.blur();
    const notice = document.createElement("div");
    notice.className = "notice";
    notice.setAttribute("role", "status");
    const words = document.createElement("p");
    words.textContent = "上次填的还在，没有保存过。";
    const clear = document.createElement("button");
    clear.type = "button";
    clear.className = "btn-line";
    clear.textContent = "清空重填";
    clear.addEventListener("click", () => {
      sent(form);
      form.reset();
      notice.remove();
    });
    words.append(clear);
    notice.append(words);
    form.before(notice);
  }
  form.addEventListener("input", () => {
    clearTimeout(form.draftTimer);
    form.draftTimer = setTimeout(() => write(form), 300);
  });
  addEventListener("pagehide", () => {
    if (form.isConnected && form.draftTimer && !form.dataset.sent) write(form);
  });
}

function wipe(unwanted) {
  [localStorage, sessionStorage].forEach((store) => {
    Object.keys(store).filter((name) => name.indexOf(PREFIX) === 0).forEach((name) => {
      let draft = null;
      try {
        draft = JSON.parse(store.getItem(name));
      } catch (unreadable) {
        // Not one of ours any more.
      }
      if (!draft || unwanted(draft)) store.removeItem(name);
    });
  });
}

wipe((draft) => Date.now() - draft.at > HOURS * 3600000 || (account && draft.account && draft.account !== account));
document.addEventListener("submit", (event) => {
  if (/\/accounts\/logout\/$/.test(event.target.action)) wipe(() => true);
});
