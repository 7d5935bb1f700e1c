// Choosing several of a list: a box that ticks all of the page, and how many are ticked. Without it every box is ticked
// by hand.

export function countTicked(form) {
  const boxes = [...form.querySelectorAll('td.pick input[type="checkbox"]')];
  const head = form.querySelector("th.pick");
  const told = form.querySelector("[data-ticked]");
  if (!boxes.length || !head || !told) return;

  const all = document.createElement("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", "Choose all of this page");
  head.replaceChildren(all);

  function tell() {
    const ticked = boxes.filter((box) => box.checked).length;
    told.textContent = ` (${ticked})`;
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }

  all.addEventListener("change", () => {
    boxes.forEach((box) => (box.checked = all.checked));
    tell();
  });
  boxes.forEach((box) => box.addEventListener("change", tell));
  // A browser that comes back may have kept the ticks.
  window.addEventListener("pageshow", tell);
  tell();
}
