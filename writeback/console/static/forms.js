// A form that changes something is sent once, however often its button is pressed.

export function guardForms(root) {
  root.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
  });
  // Whoever comes back with the browser's button may send it again.
  window.addEventListener("pageshow", () => {
    root.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });
}
