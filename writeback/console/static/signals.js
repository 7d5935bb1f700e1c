// Streams of server-sent events that say only that something has happened: one for each address, whoever listens. They
// are open while somebody looks: a browser has few connections to a server, and other windows need them too.

export function openSignals() {
  const signals = new Map();
  return (address) => {
    if (!address) return null;
    if (!signals.has(address)) signals.set(address, signalOf(address));
    return signals.get(address);
  };
}

function signalOf(address) {
  const listeners = new Set();
  const signal = () => listeners.forEach((listener) => listener());
  let source = null;

  function openOrClose() {
    const isWanted = listeners.size > 0 && !document.hidden;
    if (isWanted && !source) source = listen(address, signal);
    if (isWanted || !source) return;
    source.close();
    source = null;
  }

  document.addEventListener("visibilitychange", openOrClose);
  return {
    isHeard: () => source?.readyState === EventSource.OPEN,
    onSignal(listener) {
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
function listen(address, signal) {
  const source = new EventSource(address);
  let mayHaveMissed = false;
  source.addEventListener("message", signal);
  source.addEventListener("error", () => (mayHaveMissed = true));
  source.addEventListener("open", () => {
    if (mayHaveMissed) signal();
    mayHaveMissed = false;
  });
  return source;
}
