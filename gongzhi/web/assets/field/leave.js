/* Signing out destroys what the field page kept of an area, and so does another account signing in. What was written
   and not sent waits for its own account. */
import { LEFT, OWNER, entries, wipePages } from "./store.js";

const account = document.body.dataset.account || "";

function wipe() {
  localStorage.setItem(LEFT, "1");
  localStorage.removeItem(OWNER);
  wipePages().catch(() => {});
}

const owner = localStorage.getItem(OWNER);
if ((owner && account && owner !== account) || (localStorage.getItem(LEFT) && owner)) wipe();
document.addEventListener("submit", (event) => {
  if (/\/accounts\/logout\/$/.test(event.target.action)) wipe();
});

/* Where one signs out, what is still waiting is said: it stays, and goes out when the same account comes back. */
const out = document.querySelector("form[action$='/accounts/logout/']");
if (out && account && owner === account && window.indexedDB) {
  entries().then((all) => {
    const waiting = all.filter((one) => one.account === account && one.state !== "sent").length;
    if (!waiting) return;
    const words = document.createElement("p");
    words.className = "meta";
    words.textContent = "这台设备上还有 " + waiting + " 条巡查记录没有发出去。退出后留着，下次您登录时再发；别人看不到，也发不了。";
    out.before(words);
  }).catch(() => {});
}
