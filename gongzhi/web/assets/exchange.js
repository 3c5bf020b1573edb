/* htmx as this house uses it: no code in attributes, no inline style, nothing kept of a page on a shared desk. Every
   answer that is not a page is said in a sentence beside what one was doing, and nothing typed is touched. */
import htmx from "htmx.org";

Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  includeIndicatorStyles: false,
  attributesToSettle: ["class", "width", "height"],
  selfRequestsOnly: true,
  historyCacheSize: 0,
  refreshOnHistoryMiss: true,
  scrollBehavior: "auto",
  timeout: 30000,
  responseHandling: [
    { code: "204", swap: false },
    { code: "422", swap: true },
    { code: "[23]..", swap: true },
    { code: ".*", swap: false, error: true },
  ],
});

const trouble = document.getElementById("trouble");
const live = document.getElementById("live");

/* Say what went wrong until it is closed or something succeeds. `again` does it once more. */
export function say(words, again) {
  trouble.textContent = "";
  if (typeof words === "string") {
    const line = document.createElement("p");
    line.textContent = words;
    trouble.append(line);
  } else {
    trouble.append(words);
  }
  const ways = document.createElement("p");
  ways.className = "actions";
  if (again) ways.append(button("再试一次", () => { quiet(); again(); }));
  ways.append(button("知道了", quiet));
  trouble.append(ways);
  trouble.hidden = false;
}

function quiet() {
  trouble.hidden = true;
  trouble.textContent = "";
}

function button(words, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "btn";
  made.textContent = words;
  made.addEventListener("click", press);
  return made;
}

function once(element) {
  return () => {
    if (element.tagName === "FORM") element.requestSubmit ? element.requestSubmit() : htmx.trigger(element, "submit");
    else element.click();
  };
}

/* An answer of our own says it in words; one of a machine on the way does not. */
function sentence(xhr) {
  const told = new DOMParser().parseFromString(xhr.responseText, "text/html").querySelector("[data-trouble]");
  return told || `没有办成（${xhr.status}）。填的内容还在这一页，过一会儿再试。`;
}

document.addEventListener("htmx:responseError", (event) => {
  const { xhr, elt } = event.detail;
  if (xhr.status === 401 && xhr.getResponseHeader("X-Submit-Plainly") && elt.tagName === "FORM") {
    // Sent as without scripts, what was typed goes through the sign-in and comes back.
    HTMLFormElement.prototype.submit.call(elt);
    return;
  }
  const asksAgain = (elt.getAttribute("hx-trigger") || "").indexOf("every") >= 0;
  if (asksAgain && xhr.status < 500) {
    // It would be refused every two seconds from now on.
    const still = elt.cloneNode(true);
    ["hx-get", "hx-trigger"].forEach((name) => still.removeAttribute(name));
    elt.replaceWith(still);
  }
  say(sentence(xhr));
});

function lost(event) {
  const { elt } = event.detail;
  const asksAgain = (elt.getAttribute("hx-trigger") || "").indexOf("every") >= 0;
  if (asksAgain) return;
  say("没有连上服务器。填的内容还在这一页，网络好了再试一次。", once(elt));
}
document.addEventListener("htmx:sendError", lost);
document.addEventListener("htmx:timeout", lost);

document.addEventListener("htmx:afterOnLoad", (event) => {
  if (event.detail.successful) quiet();
});

/* An address names what was chosen and nothing else. */
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") return;
  const given = event.detail.formData;
  Array.from(given.keys()).forEach((name) => { if (given.get(name) === "") given.delete(name); });
});

/* A list that was turned or narrowed: the focus stays where the hand was, and its length is said. */
let hand = "";
document.addEventListener("htmx:beforeRequest", (event) => {
  const part = event.detail.elt.closest(".pages, .views, .chips, .filters");
  hand = part ? part.classList[0] : "";
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id !== "main") return;
  const list = document.getElementById("list");
  if (hand === "pages" && list) {
    list.tabIndex = -1;
    list.focus({ preventScroll: true });
    list.scrollIntoView({ block: "start" });
  } else if (hand === "views" || hand === "chips") {
    const there = document.querySelector(hand === "views" ? ".views [aria-current]" : ".filters select, .filters input:not([type=hidden])");
    if (there) there.focus({ preventScroll: true });
  }
  const said = document.querySelector("#main [data-said]");
  if (said) setTimeout(() => { live.textContent = said.textContent; }, 150);
});

export default htmx;
