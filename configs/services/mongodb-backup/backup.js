// Decisions and JSON of the scripts beside it, for mongosh: TASK says which, everything else is environment.
const fs = require("fs");

const env = process.env;
const OWN = ["admin", "config", "local"]; // users come from secrets, the rest is each server's own
const read = (file) => JSON.parse(fs.readFileSync(file, "utf8"));
const write = (file, value) => fs.writeFileSync(file, `${JSON.stringify(value)}\n`);
const secret = (user) => fs.readFileSync(`${env.SECRETS ?? "/run/secrets"}/mongodb_${user}_password`, "utf8").trim();
const quit_with = (text) => { console.log(text); quit(1); };

function member(host, user) {
  const limits = "directConnection=true&serverSelectionTimeoutMS=3000&connectTimeoutMS=3000";
  return new Mongo(`mongodb://${user}:${encodeURIComponent(secret(user))}@${host}/?authSource=admin&${limits}`);
}

function stateOf(host) {
  try {
    const told = member(host, "backup").getDB("admin").runCommand({ isMaster: 1 });
    return { host, secondary: Boolean(told.secondary), primary: Boolean(told.ismaster) };
  } catch (fault) {
    console.error(`mongodb-backup: ${host} can't be asked: ${fault.message}`);
    return { host, secondary: false, primary: false };
  }
}

/** Every collection of the applications: [{name, rows, checksum}]. */
function contents(connection) {
  const found = [];
  const names = connection.getDB("admin").runCommand({ listDatabases: 1, nameOnly: true }).databases;
  for (const { name } of names.filter((each) => !OWN.includes(each.name))) {
    const hashes = connection.getDB(name).runCommand({ dbHash: 1 }).collections;
    for (const collection of Object.keys(hashes).sort()) {
      const rows = Number(connection.getDB(name).runCommand({ count: collection }).n);
      found.push({ name: `${name}.${collection}`, rows, checksum: hashes[collection] });
    }
  }
  return found;
}

/** Documents per collection in a tool's report: `done dumping a.b (3 documents)`, `finished restoring …`. */
function counted(text, words) {
  const lines = [...text.matchAll(new RegExp(`${words} (\\S+) \\((\\d+) documents?(?:, (\\d+) failures?)?\\)`, "g"))];
  return Object.fromEntries(lines.filter(([, name]) => !OWN.includes(name.split(".")[0]))
    .map(([, name, rows, failed]) => [name, Number(rows) - Number(failed ?? 0)]));
}

function differences(one, two) {
  const names = [...new Set([...Object.keys(one), ...Object.keys(two)])];
  return names.filter((name) => one[name] !== two[name]).map((name) => `${name}: ${one[name] ?? "missing"} against ${two[name] ?? "missing"}`);
}

const byName = (list) => Object.fromEntries(list.map((each) => [each.name, `${each.rows} rows, ${each.checksum}`]));

function compare() {
  const known = read(env.MANIFEST);
  const scratch = new Mongo(env.SCRATCH_URI);
  const restored = counted(fs.readFileSync(env.REPORT, "utf8"), "finished restoring");
  const wrong = differences(known.dumped, restored);
  if (wrong.length) quit_with(`dumped against restored: ${wrong.join("; ")}`);
  const now = contents(scratch);
  if (known.contents === undefined) write(env.MANIFEST, { ...known, contents: now });
  else if (differences(byName(known.contents), byName(now)).length) {
    quit_with(`manifest against restored: ${differences(byName(known.contents), byName(now)).join("; ")}`);
  }
}

function begin() {
  const [name, bytes, sha256] = env.FILE.split(" ");
  const admin = member(env.HOST, "backup").getDB("admin");
  const version = admin.runCommand({ buildInfo: 1 }).version;
  const { ts } = admin.runCommand({ isMaster: 1 }).lastWrite.opTime; // not before the end of the dump
  const position = `${ts.t}:${ts.i}`;
  const log = fs.readFileSync(env.REPORT, "utf8");
  write(env.MANIFEST, { id: env.ID, service: "mongodb", made_at: env.MADE_AT, reason: env.REASON, source: env.HOST,
    server_version: version, position, dumped: counted(log, "done dumping"),
    files: { [name]: { bytes: Number(bytes), sha256 } }, state: "bad", why: "not proven yet" });
}

function judge() {
  const { why, ...known } = read(env.MANIFEST);
  write(env.MANIFEST, env.WHY ? { ...known, state: "bad", why: env.WHY } : { ...known, state: "proven", proven_at: env.NOW });
}

/** Backups that retention gives up: proven ones beyond `keep` that are older than `days`, and bad ones as old. */
function outdated() {
  const all = env.IDS.split(" ").filter(Boolean).map((id) => read(`${env.BACKUPS}/${id}/manifest.json`))
    .sort((a, b) => b.id.localeCompare(a.id));
  const old = (each) => Date.now() - Date.parse(each.made_at) > Number(env.BACKUP_KEEP_DAYS) * 86400000;
  const kept = new Set(all.filter((each) => each.state === "proven").slice(0, Number(env.BACKUP_KEEP)));
  return all.filter((each) => old(each) && !kept.has(each)).map((each) => each.id);
}

function endangered() {
  const allowed = env.OVERWRITE.split(" ").filter(Boolean);
  const held = contents(member(env.HOST, "root")).filter((each) => each.rows > 0).map((each) => each.name.split(".")[0]);
  const coming = read(env.MANIFEST).contents.map((each) => each.name.split(".")[0]);
  return [...new Set(held.filter((name) => coming.includes(name) && !allowed.includes(name)))];
}

/** Removes collections that the backup hasn't got: mongorestore --drop replaces only those that it brings. */
function clear() {
  const live = member(env.HOST, "root");
  const scratch = new Mongo(env.SCRATCH_URI);
  const gone = [];
  for (const database of databases().split(" ").filter(Boolean)) {
    const kept = scratch.getDB(database).getCollectionNames();
    const held = live.getDB(database).getCollectionNames();
    for (const name of held.filter((each) => !kept.includes(each) && !each.startsWith("system."))) {
      const told = live.getDB(database).runCommand({ drop: name, writeConcern: { w: "majority" } });
      if (!told.ok || told.writeConcernError) quit_with(`${database}.${name}: ${told.errmsg ?? told.writeConcernError.errmsg}`);
      gone.push(`${database}.${name}`);
    }
  }
  return gone.join(" ");
}

function equal() {
  const databases = read(env.MANIFEST).contents.map((each) => each.name.split(".")[0]);
  const now = contents(member(env.HOST, "root")).filter((each) => databases.includes(each.name.split(".")[0]));
  const wrong = differences(byName(read(env.MANIFEST).contents), byName(now));
  if (wrong.length) quit_with(wrong.join("; "));
}

const members = () => read(env.MEMBERS_FILE).members.map((host) => stateOf(host));
const source = () => { const all = members(); return (all.findLast((each) => each.secondary) ?? all.find((each) => each.primary))?.host ?? ""; };
const primary = () => members().find((each) => each.primary)?.host ?? "";
const files = () => Object.entries(read(env.MANIFEST).files).map(([name, each]) => `${each.sha256}  ${name}`).join("\n");
const databases = () => [...new Set(read(env.MANIFEST).contents.map((each) => each.name.split(".")[0]))].join(" ");
const line = () => JSON.stringify(read(env.MANIFEST));
const lines = () => outdated().join(" ");
const dangers = () => endangered().join(" ");

const tasks = { source, primary, files, databases, line, begin, judge, compare, clear, equal, outdated: lines, endangered: dangers };
const answer = tasks[env.TASK]();
if (answer) print(answer);
