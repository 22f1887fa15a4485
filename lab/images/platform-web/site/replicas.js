// What is known of the API's replicas, from the answers that named them. Pure: no page, no network.

const SILENT_AFTER_MS = 15_000;
const FORGOTTEN_AFTER_MS = 60_000;

/** A new map (host -> replica) with one /api/health answer taken in at time `now` (ms). */
export function learn(replicas, health, now) {
  const answers = (replicas.get(health.host)?.answers ?? 0) + 1;
  return new Map(replicas).set(health.host, { ...health, answers, seen: now });
}

/** Replicas by host name, each with its state; those not seen for a minute are gone. */
export function listReplicas(replicas, now) {
  return [...replicas.values()]
    .filter((each) => now - each.seen < FORGOTTEN_AFTER_MS)
    .map((each) => ({ ...each, state: now - each.seen < SILENT_AFTER_MS ? each.status : "silent" }))
    .sort((a, b) => a.host.localeCompare(b.host));
}

/** The one sentence at the top: {state, headline, detail}. `failed` of `asked` requests had no answer. */
export function summarize(list, failed, asked) {
  const answering = list.filter((each) => each.state !== "silent");
  if (failed === asked || answering.length === 0) {
    return { state: "down", headline: "The API does not answer", detail: "The edge serves this page but reaches no replica." };
  }
  const detail = `${answering.length} ${answering.length === 1 ? "replica" : "replicas"} answering through the edge over TLS.`;
  if (failed > 0) {
    return { state: "degraded", headline: "Some requests fail", detail: `${failed} of ${asked} had no answer. ${detail}` };
  }
  const down = new Set(answering.flatMap((each) => each.backings.filter((b) => b.state !== "up").map((b) => b.name)));
  if (down.size > 0) {
    return { state: "degraded", headline: "Degraded", detail: `Not up: ${[...down].sort().join(", ")}. ${detail}` };
  }
  return { state: "ok", headline: "Everything answers", detail };
}

/** Seconds as people say them: 42 s, 7 min, 3 h 05 min, 12 d 4 h. */
export function duration(seconds) {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
