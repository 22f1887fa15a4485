// Which brokers have carried the announcement of which note, from the answers of /api/announcements. Pure.

const MOST = 200; // notes that are remembered, the newest

/** A new map (note id -> sorted broker names) with one answer taken in. Each replica consumed some of the messages. */
export function collect(announced, { announcements }) {
  const found = new Map(announced);
  for (const [broker, events] of Object.entries(announcements)) {
    for (const { id } of events) found.set(id, [...new Set([...(found.get(id) ?? []), broker])].sort());
  }
  return new Map([...found].sort(([a], [b]) => a.localeCompare(b)).slice(-MOST));
}
