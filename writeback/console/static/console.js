// Everything works without this. It refreshes what is live, and keeps a form from being sent twice.
import { keepLive } from "./live.js";
import { guardForms } from "./forms.js";
import { countTicked } from "./picking.js";

guardForms(document);
document.querySelectorAll("[data-live]").forEach(keepLive);
document.querySelectorAll("[data-picking]").forEach(countTicked);
