// Pieces of a page that refresh by themselves: when they are signalled, and every few seconds where it cannot be heard.
// Politely: not while nobody looks, not under somebody's hands, and less and less often while the server does not answer.

const LONGEST_S = 60;
// No signal comes for what is counted a moment later, nor for what is no event: a hold, a list that was fetched.
const UNSIGNALLED_S = 15;

export function keepLive(piece, signal) {
  if (piece.querySelector("[data-ended]")) return;
  const usual = Number(piece.dataset.every);
  let wait = usual;
  let timer = 0;
  let isAsking = false;
  let isSignalled = false;

  async function refresh() {
    if (isAsking || document.hidden || isInUse(piece)) return plan(usual);
    const next = signal?.isHeard() && !isSignalled ? Math.max(usual, UNSIGNALLED_S) : usual;
    isAsking = true;
    isSignalled = false;
    try {
      const answer = await fetch(piece.dataset.live, { headers: { "X-Live": "1" }, redirect: "error" });
      if (answer.status === 401) return signedOut();
      if (!answer.ok) throw new Error(String(answer.status));
      put(piece, await answer.text());
      stale(piece, false);
      if (piece.querySelector("[data-ended]")) end();
      else plan(isSignalled ? 0 : next); // what was signalled meanwhile may be missing in the answer
    } catch {
      stale(piece, true);
      plan(Math.min(LONGEST_S, Math.max(usual, wait * 2)));
    } finally {
      isAsking = false;
    }
  }

  function plan(seconds) {
    wait = seconds;
    clearTimeout(timer);
    timer = setTimeout(refresh, seconds * 1000);
  }

  function end() {
    const next = piece.querySelector("[data-next]");
    if (next) location.replace(next.href);
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
    signal?.forget(signalled);
  }

  function signedOut() {
    end();
    saySignedOut(piece);
  }

  function signalled() {
    isSignalled = true;
    if (!isAsking) plan(0);
  }

  const seen = () => document.hidden || plan(0);
  document.addEventListener("visibilitychange", seen);
  signal?.onSignal(signalled);
  plan(usual);
}

// Whoever types, chooses, or has selected text keeps what they have.
function isInUse(piece) {
  const selection = document.getSelection();
  if (selection && !selection.isCollapsed && piece.contains(selection.anchorNode)) return true;
  const at = document.activeElement;
  return piece.contains(at) && at.matches("input, select, textarea");
}

function put(piece, html) {
  if (piece.dataset.had === html) return;
  const said = announcement(piece);
  const focused = piece.contains(document.activeElement) ? pathTo(document.activeElement, piece) : null;
  const open = [...piece.querySelectorAll("details[id][open]")].map((one) => one.id);
  const template = document.createElement("template");
  template.innerHTML = html;
  piece.replaceChildren(template.content);
  piece.dataset.had = html;
  open.forEach((id) => piece.querySelector(`details#${CSS.escape(id)}`)?.setAttribute("open", ""));
  if (focused) follow(focused, piece)?.focus({ preventScroll: true });
  const says = announcement(piece);
  if (says && says !== said) document.getElementById("announcer").textContent = says;
}

function announcement(piece) {
  return [...piece.querySelectorAll("[data-announce]")].map((one) => one.textContent.trim()).join(" ");
}

// Where an element is within the piece: by its id or its address, else by its place.
function pathTo(element, piece) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const address = element.getAttribute("href");
  if (address) return `[href="${CSS.escape(address)}"]`;
  const same = [...piece.querySelectorAll(element.tagName)];
  return [element.tagName, same.indexOf(element)];
}

function follow(path, piece) {
  return typeof path === "string" ? piece.querySelector(path) : piece.querySelectorAll(path[0])[path[1]];
}

function stale(piece, isStale) {
  piece.classList.toggle("stale", isStale);
  let note = piece.previousElementSibling;
  if (!note?.classList.contains("stale-note")) note = null;
  if (isStale && !note) {
    note = document.createElement("p");
    note.className = "stale-note";
    note.setAttribute("role", "status");
    note.textContent = "Not up to date: the server does not answer. Trying again.";
    piece.before(note);
  } else if (!isStale) note?.remove();
}

function saySignedOut(piece) {
  stale(piece, true);
  const note = piece.previousElementSibling;
  note.textContent = "You have been signed out. ";
  const link = document.createElement("a");
  link.href = location.href;
  link.textContent = "Sign in again";
  note.append(link);
}
