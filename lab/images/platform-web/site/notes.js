// Notes by the store that holds them, from the answers of /api/notes. Pure: no page, no network.

const FORGOTTEN_AFTER_MS = 15_000;

/** A new map (store -> its notes) with one answer taken in at time `now` (ms). */
export function keep(stores, { store, notes }, now) {
  return new Map(stores).set(store, { notes, seen: now });
}

/** Names of the stores met lately, and their notes together, newest first. */
export function listNotes(stores, now) {
  const met = [...stores].filter(([, { seen }]) => now - seen < FORGOTTEN_AFTER_MS);
  return {
    names: met.map(([name]) => name).sort(),
    notes: met.flatMap(([store, { notes }]) => notes.map((note) => ({ ...note, store })))
      .sort((a, b) => b.at.localeCompare(a.at)),
  };
}
