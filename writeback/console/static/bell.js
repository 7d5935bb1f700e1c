// Streams of server-sent events that say only that something has happened: one for each address, whoever listens. They
// are open while somebody looks: a browser has few connections to a server, and other windows need them too.

export function hangBells() {
  const bells = new Map();
  return (address) => {
    if (!address) return null;
    if (!bells.has(address)) bells.set(address, hang(address));
    return bells.get(address);
  };
}

function hang(address) {
  const listeners = new Set();
  const ring = () => listeners.forEach((listener) => listener());
  let source = null;

  function openOrClose() {
    const isWanted = listeners.size > 0 && !document.hidden;
    if (isWanted && !source) source = listen(address, ring);
    if (isWanted || !source) return;
    source.close();
    source = null;
  }

  document.addEventListener("visibilitychange", openOrClose);
  return {
    isHeard: () => source?.readyState === EventSource.OPEN,
    onRing(listener) {
      listeners.add(listener);
      openOrClose();
    },
    forget(listener) {
      listeners.delete(listener);
      openOrClose();
    },
  };
}

// A stream that breaks is opened again by the browser. An answer that is none closes it for good: whoever listens
// asks by itself then.
function listen(address, ring) {
  const source = new EventSource(address);
  let mayHaveMissed = false;
  source.addEventListener("message", ring);
  source.addEventListener("error", () => (mayHaveMissed = true));
  source.addEventListener("open", () => {
    if (mayHaveMissed) ring();
    mayHaveMissed = false;
  });
  return source;
}
