/* Half an hour without a page signs out: say so before, and offer to stay. */
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
