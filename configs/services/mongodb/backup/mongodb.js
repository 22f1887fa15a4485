// What the hooks ask of members and of the scratch server, for mongosh: TASK says which, the rest is environment.
const fs = require("fs");

const env = process.env;
const LIMITS = "directConnection=true&serverSelectionTimeoutMS=3000&connectTimeoutMS=3000";
const OWN = ["admin", "config", "local"]; // users come from secrets, the rest is each server's own

function member(host, user) {
  const password = fs.readFileSync(`${env.SECRETS ?? "/run/secrets"}/mongodb_${user}_password`, "utf8").trim();
  return new Mongo(`mongodb://${user}:${encodeURIComponent(password)}@${host}/?authSource=admin&${LIMITS}`);
}

const live = () => member(env.HOST, "root");
const scratch = () => new Mongo(env.SCRATCH_URI);

/** Whether a member says so of itself; role: "ismaster" or "secondary". */
function is(role, host) {
  try {
    const told = member(host, "backup").getDB("admin").runCommand({ isMaster: 1 });
    return told[role];
  } catch (fault) {
    console.error(`mongodb: ${host} can't be asked: ${fault.message}`);
    return false;
  }
}

function last(role) {
  const hosts = env.MONGODB_MEMBERS.split(" ").map((name) => `${name}:27017`);
  return hosts.filter((host) => is(role, host)).at(-1) ?? "";
}

/** Every collection of the applications, a line each: name, documents and hash, tabs between. */
function contentsOf(server) {
  const lines = [];
  const databases = server.getDB("admin").runCommand({ listDatabases: 1, nameOnly: true }).databases;
  for (const { name } of databases.filter((each) => !OWN.includes(each.name))) {
    const hashes = server.getDB(name).runCommand({ dbHash: 1 }).collections;
    for (const collection of Object.keys(hashes).sort()) {
      const rows = Number(server.getDB(name).runCommand({ count: collection }).n);
      lines.push([`${name}.${collection}`.replace(/[\t\n]/g, " "), rows, hashes[collection]].join("\t"));
    }
  }
  return lines.join("\n");
}

/** Of the source: not before the end of the dump. */
function position() {
  const admin = member(env.HOST, "backup").getDB("admin");
  const { ts } = admin.runCommand({ isMaster: 1 }).lastWrite.opTime;
  return `position=${ts.t}:${ts.i}\nserver_version=${admin.runCommand({ buildInfo: 1 }).version}`;
}

/** Removes collections that the backup hasn't got: mongorestore --drop replaces only those that it brings. */
function clear() {
  const gone = [];
  for (const database of env.NAMES.split(" ")) {
    const kept = scratch().getDB(database).getCollectionNames();
    const held = live().getDB(database).getCollectionNames();
    for (const name of held.filter((each) => !kept.includes(each) && !each.startsWith("system."))) {
      const told = live().getDB(database).runCommand({ drop: name, writeConcern: { w: "majority" } });
      if (told.writeConcernError) throw new Error(`${database}.${name}: ${told.writeConcernError.errmsg}`);
      gone.push(`${database}.${name}`);
    }
  }
  return gone.join(" ");
}

const tasks = {
  source: () => last("secondary") || last("ismaster"),
  primary: () => last("ismaster"),
  position,
  scratch: () => contentsOf(scratch()),
  live: () => contentsOf(live()),
  clear,
};
const answer = tasks[env.TASK]();
if (answer) print(answer);
