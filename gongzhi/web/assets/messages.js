/* What was done leaves after 8 s, unless it is being read. */
import htmx from "./exchange.js";

htmx.onLoad((root) => {
  const said = root.querySelector(".said");
  if (!said) return;
  const rest = () => said.matches(":hover") || said.contains(document.activeElement);
  const timer = setInterval(() => {
    if (rest()) return;
    said.remove();
    clearInterval(timer);
  }, 8000);
});
