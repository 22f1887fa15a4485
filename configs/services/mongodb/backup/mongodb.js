// What the hooks ask of members and of the scratch server, for mongosh: TASK says which, the rest is environment.
const fs = require("fs");

const env = process.env;
const OWN = ["admin", "config", "local"]; // users come from secrets, the rest is each server's own
const NAMES = (env.NAMES ?? "").split(" ").filter(Boolean);
const secret = (user) => fs.readFileSync(`${env.SECRETS ?? "/run/secrets"}/mongodb_${user}_password`, "utf8").trim();
const quit_with = (text) => { console.error(text); quit(1); };
const databaseOf = ({ name }) => name.split(".")[0];

function member(host, user) {
  const limits = "directConnection=true&serverSelectionTimeoutMS=3000&connectTimeoutMS=3000";
  return new Mongo(`mongodb://${user}:${encodeURIComponent(secret(user))}@${host}/?authSource=admin&${limits}`);
}

const scratch = () => new Mongo(env.SCRATCH_URI);

function stateOf(host) {
  try {
    const told = member(host, "backup").getDB("admin").runCommand({ isMaster: 1 });
    return { host, secondary: Boolean(told.secondary), primary: Boolean(told.ismaster) };
  } catch (fault) {
    console.error(`mongodb: ${host} can't be asked: ${fault.message}`);
    return { host, secondary: false, primary: false };
  }
}

const members = () => env.MONGODB_MEMBERS.split(" ").map((name) => stateOf(`${name}:27017`));

/** Every collection of the applications: [{name, rows, checksum}]. */
function contentsOf(connection) {
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

function unequal(one, two) {
  const names = [...new Set([...Object.keys(one), ...Object.keys(two)])];
  return names.filter((name) => one[name] !== two[name]).map((name) => `${name}: ${one[name] ?? "missing"} against ${two[name] ?? "missing"}`);
}

function counts() {
  const dumped = counted(fs.readFileSync(env.DUMPED, "utf8"), "done dumping");
  const wrong = unequal(dumped, counted(fs.readFileSync(env.RESTORED, "utf8"), "finished restoring"));
  if (wrong.length) quit_with(`dumped against restored: ${wrong.join("; ")}`);
}

/** Of the source: not before the end of the dump. */
function position() {
  const admin = member(env.HOST, "backup").getDB("admin");
  const { ts } = admin.runCommand({ isMaster: 1 }).lastWrite.opTime;
  return `position=${ts.t}:${ts.i}\nserver_version=${admin.runCommand({ buildInfo: 1 }).version}`;
}

/** Removes collections that the backup hasn't got: mongorestore --drop replaces only those that it brings. */
function clear() {
  const live = member(env.HOST, "root");
  const gone = [];
  for (const database of NAMES) {
    const kept = scratch().getDB(database).getCollectionNames();
    const held = live.getDB(database).getCollectionNames();
    for (const name of held.filter((each) => !kept.includes(each) && !each.startsWith("system."))) {
      const told = live.getDB(database).runCommand({ drop: name, writeConcern: { w: "majority" } });
      if (!told.ok || told.writeConcernError) quit_with(`${database}.${name}: ${told.errmsg ?? told.writeConcernError.errmsg}`);
      gone.push(`${database}.${name}`);
    }
  }
  return gone.join(" ");
}

function differences() {
  const held = (connection) => Object.fromEntries(contentsOf(connection).filter((each) => NAMES.includes(databaseOf(each)))
    .map((each) => [each.name, `${each.rows} rows, ${each.checksum}`]));
  return unequal(held(scratch()), held(member(env.HOST, "root"))).join("; ");
}

const source = () => { const all = members(); return (all.findLast((each) => each.secondary) ?? all.find((each) => each.primary))?.host ?? ""; };
const primary = () => members().find((each) => each.primary)?.host ?? "";
const held = () => {
  const full = contentsOf(member(env.HOST, "root")).filter((each) => each.rows > 0).map(databaseOf);
  return [...new Set(full)].filter((name) => NAMES.includes(name)).join("\n");
};
const contents = () => contentsOf(scratch()).map(({ name, rows, checksum }) => [name.replace(/[\t\n]/g, " "), rows, checksum].join("\t")).join("\n");

const tasks = { source, primary, position, counts, contents, held, clear, differences };
const answer = tasks[env.TASK]();
if (answer) print(answer);
