// A place to drop a file on, around the field that takes one anyway; and a file that is too large is said before it is
// sent. The field alone does all of it without this.

export function takeDrops(place) {
  const field = place.querySelector('input[type="file"]');
  const error = place.querySelector("[data-drop-error]");
  place.querySelector("[data-drop-words]").textContent = "Drop it here, or choose it: ";
  place.classList.add("open");

  const over = (isOver) => place.classList.toggle("over", isOver);
  place.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    over(true);
  });
  place.addEventListener("dragleave", (event) => place.contains(event.relatedTarget) || over(false));
  place.addEventListener("drop", (event) => {
    over(false);
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    if (event.dataTransfer.files.length > 1) return say("That was more than one file: drop one at a time.");
    field.files = event.dataTransfer.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    field.focus();
  });
  field.addEventListener("change", () => {
    const file = field.files[0];
    const isTooLarge = file && file.size > Number(place.dataset.most);
    say(isTooLarge ? `${file.name} is too large: split it into several files.` : "");
  });
  // A file that is dropped beside the place would be opened by the browser in place of this page.
  for (const type of ["dragover", "drop"]) {
    document.addEventListener(type, (event) => event.dataTransfer?.types.includes("Files") && event.preventDefault());
  }

  function say(text) {
    error.textContent = text;
    error.hidden = !text;
    field.setCustomValidity(text);
    document.getElementById("announcer").textContent = text || (field.files[0] ? `${field.files[0].name} is chosen.` : "");
  }
}
