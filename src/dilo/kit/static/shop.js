// The shop works without scripts; this one only keeps its page for when there is no network.
navigator.serviceWorker?.register("/worker.js").catch(() => {});
