// Beside mongod, once per start: look, decide, act, until the replica set and its users are as declared.
// Every member runs it; whoever comes second finds nothing to do.
const fs = require("fs");
const { declared, decide } = require("/etc/mongodb/decide.js");
load("/etc/mongodb/users.js"); // loaded, not required: only what mongosh itself loads may talk to a server

const EVERY_MS = 1000;
const LIMITS = "serverSelectionTimeoutMS=3000&connectTimeoutMS=3000&socketTimeoutMS=20000&maxPoolSize=1";
const wanted = declared(process.env.MEMBERS.split(" "));
const self = `${require("os").hostname()}:27017`;
const connections = new Map();
let said = "";

function say(text) {
  if (text !== said) console.log(`${new Date().toISOString()} agent: ${text}`);
  said = text;
}

function secret(name) {
  return fs.readFileSync(`/run/secrets/${name}`, "utf8").trim();
}

/** A connection to this one server, whatever the set's state. Throws when it can't be had in time. */
function connect(host, user, pwd, source, mechanism) {
  const login = `authSource=${source}&authMechanism=${mechanism}`;
  const who = `${user}:${encodeURIComponent(pwd)}`; // base64 has a /, at which the path would begin
  return new Mongo(`mongodb://${who}@${host}/?directConnection=true&${login}&${LIMITS}&appName=agent`);
}

/** Its database `admin`, kept, as the members themselves log in: with the key file, of which only SHA-1 has credentials. */
function adminOf(host) {
  if (!connections.has(host)) {
    connections.set(host, connect(host, "__system", secret("mongodb_keyfile"), "local", "SCRAM-SHA-1"));
  }
  return connections.get(host).getDB("admin");
}

/**
 * {host, knows, primary}: "unknown" when it can't be asked, for it may well know a set. What lies on its disk tells: a
 * server that starts answers before it has read its configuration.
 */
function look(host) {
  try {
    const stored = adminOf(host).getSiblingDB("local").getCollection("system.replset").findOne();
    const told = adminOf(host).runCommand({ isMaster: 1 });
    return { host, knows: stored === null ? "nothing" : "a set", primary: told.ismaster };
  } catch (fault) {
    return { host, knows: "unknown", primary: false, why: fault.message };
  }
}

function round() {
  const seen = wanted.members.map((each) => look(each.host));
  const primary = seen.find((each) => each.primary)?.host;
  const held = primary ? adminOf(primary).runCommand({ replSetGetConfig: 1 }).config : null;
  const step = decide(wanted, self, seen, held);
  if (step.do === "wait") return say(step.why);
  if (step.do === "initiate") return initiate(step.config);
  if (step.do === "reconfigure") return reconfigure(primary, step.config);
  const changed = ensureUsers(primary);
  say(changed.length ? `users changed: ${changed.join(", ")}` : "users are as declared");
  return true;
}

function initiate(config) {
  adminOf(self).runCommand({ replSetInitiate: config });
  say(`initiated with ${config.members.map((each) => each.host).join(", ")}`);
}

function reconfigure(primary, config) {
  adminOf(primary).runCommand({ replSetReconfig: config });
  say(`configuration ${config.version}: ${config.members.map((each) => `${each.host} (${each.priority})`).join(", ")}`);
}

/** A fault of one round (a primary that has just gone, another agent that was first) is said and tried again. */
function tried() {
  try {
    const done = round(); // mongosh awaits it here; returned at once it escapes the catch
    return done;
  } catch (fault) {
    return say(`${fault.codeName ?? fault.name}: ${fault.message}`);
  }
}

while (!tried()) sleep(EVERY_MS);
