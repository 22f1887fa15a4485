// The page: asks the API every three seconds and shows what it learned.
import { collect } from "./announced.js";
import { keep, listNotes } from "./notes.js";
import { duration, learn, listReplicas, summarize } from "./replicas.js";

const EVERY_MS = 3000;
const ASKED_AT_ONCE = 6; // least_conn spreads them, so every replica is met within a few rounds

const part = (id) => document.getElementById(id);
let replicas = new Map();
let stores = new Map();
let announced = new Map();

function element(tag, text, { className = "", state = "" } = {}) {
  const made = document.createElement(tag);
  made.textContent = text; // never markup: notes are written by strangers
  if (className) made.className = className;
  if (state) made.dataset.state = state;
  return made;
}

async function ask(path) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(EVERY_MS * 2) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

function showReplicas(list, now) {
  if (list.length === 0) return;
  part("replicas").replaceChildren(...list.map((each) => {
    const row = document.createElement("tr");
    row.append(
      element("td", each.host, { className: "host" }),
      element("td", each.state, { className: "state", state: each.state }),
      element("td", each.version),
      element("td", duration(each.uptime_s), { className: "number" }),
      element("td", each.answers, { className: "number" }),
      element("td", `${duration(Math.round((now - each.seen) / 1000))} ago`, { className: "number" }),
    );
    return row;
  }));
}

/** Who leads and how fast it answered, of a backing service that did. */
function about({ state, member, latency_ms: latency }) {
  if (state !== "up") return "";
  return [member, latency && `${latency < 10 ? latency.toFixed(1) : Math.round(latency)} ms`].filter(Boolean).join(" · ");
}

function showBackings(latest) {
  if (!latest) return;
  const items = latest.backings.map((each) => {
    const item = element("li", "");
    const name = document.createElement("div");
    name.append(element("span", each.name), element("small", about(each)));
    item.append(name, element("span", each.state, { className: "state", state: each.state }));
    item.title = each.error ?? "";
    return item;
  });
  part("backings").replaceChildren(...(items.length ? items : [element("li", "The API is told of none yet.", { className: "empty" })]));
}

function showSummary({ state, headline, detail }) {
  part("summary").dataset.state = state;
  if (part("headline").textContent !== headline) part("headline").textContent = headline;
  if (part("detail").textContent !== detail) part("detail").textContent = detail;
}

async function showVersion() {
  const { service, version } = await ask("/api/version");
  part("where").textContent = `${location.host} · ${service} ${version}`;
}

/** Without MySQL each replica has its own notes, so those of every store met lately are shown together. */
async function showNotes(now) {
  const answers = await Promise.allSettled(Array.from({ length: ASKED_AT_ONCE }, () => ask("/api/notes")));
  for (const { value } of answers.filter((each) => each.status === "fulfilled")) stores = keep(stores, value, now);
  const { kept, notes } = listNotes(stores, now);
  if (kept) part("store").textContent = kept;
  part("notes").replaceChildren(...notes.slice(0, 10).map((each) => {
    const item = element("li", "");
    const carried = announced.get(each.id)?.join(", ");
    const told = [each.store, carried && `announced on ${carried}`, new Date(each.at).toLocaleTimeString()];
    item.append(element("span", each.text), element("time", told.filter(Boolean).join(" · ")));
    return item;
  }));
}

async function learnAnnouncements() {
  const answers = await Promise.allSettled(Array.from({ length: ASKED_AT_ONCE }, () => ask("/api/announcements")));
  for (const { value } of answers.filter((each) => each.status === "fulfilled")) announced = collect(announced, value);
}

/** What Nacos says at present; an environment without it answers 404. */
async function showBanner() {
  const answer = await fetch("/api/settings", { cache: "no-store", signal: AbortSignal.timeout(EVERY_MS) });
  const text = answer.ok ? (await answer.json()).settings.greeting ?? "" : "";
  Object.assign(part("banner"), { textContent: text, hidden: !text });
}

async function refresh() {
  const answers = await Promise.allSettled(Array.from({ length: ASKED_AT_ONCE }, () => ask("/api/health")));
  const now = Date.now();
  const given = answers.filter((each) => each.status === "fulfilled").map((each) => each.value);
  for (const health of given) replicas = learn(replicas, health, now);
  const list = listReplicas(replicas, now);
  showSummary(summarize(list, answers.length - given.length, answers.length));
  showReplicas(list, now);
  showBackings(given.at(-1));
  await Promise.allSettled([learnAnnouncements(), showBanner()]);
  await Promise.allSettled([showVersion(), showNotes(now)]); // the summary has told already when these fail
}

async function save(event) {
  event.preventDefault();
  const [button, result] = [event.target.querySelector("button"), part("note-result")];
  button.disabled = true;
  try {
    const answer = await fetch("/api/notes", {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${part("note-token").value}` },
      body: JSON.stringify({ text: part("note-text").value }),
    });
    const told = await answer.json().catch(() => ({}));
    result.dataset.state = answer.ok ? "ok" : "down";
    result.textContent = answer.ok ? `Saved in ${told.store}.` : `Not saved: ${told.detail ?? answer.status}.`;
    if (answer.ok) part("note-text").value = "";
  } catch {
    Object.assign(result, { textContent: "Not saved: the edge does not answer." }).dataset.state = "down";
  } finally {
    button.disabled = false;
  }
}

async function run() {
  part("where").textContent = location.host;
  part("note-form").addEventListener("submit", save);
  for (;;) {
    await refresh();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

run();
