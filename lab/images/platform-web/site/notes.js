// Notes by the store that holds them, from the answers of /api/notes. Pure: no page, no network.

const FORGOTTEN_AFTER_MS = 15_000;

/** A new map (store -> its notes) with one answer taken in at time `now` (ms). */
export function keep(stores, { store, lasting, lagging, notes }, now) {
  return new Map(stores).set(store, { lasting, lagging, notes, seen: now });
}

/** Where notes are kept, in words, and the notes of all stores met lately together, newest first. */
export function listNotes(stores, now) {
  const met = [...stores].filter(([, { seen }]) => now - seen < FORGOTTEN_AFTER_MS);
  return {
    kept: met.length ? `Kept in ${met.map(([name]) => name).sort().join(", ")}. ${promise(met)}` : "",
    notes: met.flatMap(([store, { notes }]) => notes.map((note) => ({ ...note, store })))
      .sort((a, b) => b.at.localeCompare(a.at)),
  };
}

function promise(met) {
  if (!met.every(([, { lasting }]) => lasting)) return "Those in memory end with their replica.";
  if (met.some(([, { lagging }]) => lagging)) return "It takes no writes at the moment, so the newest may be missing.";
  return "Every replica shows the same, and they outlive all of them.";
}
