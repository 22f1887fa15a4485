// Notes by the store that holds them, from the answers of /api/notes. Pure: no page, no network.

const FORGOTTEN_AFTER_MS = 15_000;

/** A new map (store -> its notes) with one answer taken in at time `now` (ms). */
export function keep(stores, { store, lasting, notes }, now) {
  return new Map(stores).set(store, { notes, lasting, seen: now });
}

/** The sentence above the form: where notes are kept, and for how long. */
export function tellStores(stores, now) {
  const { names } = listNotes(stores, now);
  const ends = names.some((name) => !stores.get(name).lasting);
  return `Kept in ${ends ? "the " : ""}${names.join(ends ? ", the " : ", ")}.${ends ? " They end with their replica." : ""}`;
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
