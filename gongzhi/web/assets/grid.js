/* A grid of small fields: the arrows and Enter go from one to the next, as on a sheet. */
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], Enter: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

document.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  const from = event.target.closest && event.target.closest("[data-grid] td");
  if (!step || !from || event.target.tagName !== "INPUT" || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  const rows = [...from.closest("tbody").rows];
  let row = rows.indexOf(from.parentElement) + step[0];
  let column = from.cellIndex + step[1];
  for (; rows[row] && rows[row].cells[column]; row += step[0], column += step[1]) {
    const there = rows[row].cells[column].querySelector("input");
    if (there) {
      there.focus();
      there.select();
      return;
    }
  }
});
