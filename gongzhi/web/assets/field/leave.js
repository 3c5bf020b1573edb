/* Signing out destroys what the field page kept of an area, and so does another account signing in. What was written
   and not sent waits for its own account. */
import { LEFT, OWNER, wipePages } from "./store.js";

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
