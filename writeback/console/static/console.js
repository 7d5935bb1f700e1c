// Everything works without this. It refreshes what is live, and keeps a form from being sent twice.
import { openSignals } from "./signals.js";
import { keepLive } from "./live.js";
import { guardForms } from "./forms.js";
import { countTicked } from "./picking.js";
import { takeDrops } from "./dropping.js";

guardForms(document);
// On a phone the menu is a row that scrolls: show where one is.
document.querySelector(".menu [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
const signals = openSignals();
document.querySelectorAll("[data-live]").forEach((piece) => keepLive(piece, signals(piece.dataset.signals)));
document.querySelectorAll("[data-picking]").forEach(countTicked);
document.querySelectorAll("[data-drop]").forEach(takeDrops);
