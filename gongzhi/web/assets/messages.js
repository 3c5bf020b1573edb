/* A message leaves after 8 s, unless it is being read. */
const said = document.querySelector(".said");
if (said) {
  const rest = () => said.matches(":hover") || said.contains(document.activeElement);
  const timer = setInterval(() => {
    if (rest()) return;
    said.remove();
    clearInterval(timer);
  }, 8000);
}
