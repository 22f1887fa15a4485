// Asking members: one connection each, short limits, and an answer that tells unknown from absent.
// Loaded, not required: only what mongosh itself loads may talk to a server.
const fs = require("fs");

const LIMITS = "serverSelectionTimeoutMS=3000&connectTimeoutMS=3000&socketTimeoutMS=20000&maxPoolSize=1";
const connections = new Map();

function wanted() {
  return JSON.parse(fs.readFileSync("/etc/mongodb/replica-set.json", "utf8"));
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

/** The same, kept, as the members themselves log in: with the key file, of which only SHA-1 has credentials. */
function asMember(host) {
  if (!connections.has(host)) {
    connections.set(host, connect(host, "__system", secret("mongodb_keyfile"), "local", "SCRAM-SHA-1"));
  }
  return connections.get(host);
}

/** What a server says of itself. Servers before 4.4.2 know `hello` by its old name. */
function hello(connection) {
  const admin = connection.getDB("admin");
  try {
    const answer = admin.runCommand({ hello: 1 }); // mongosh awaits it here; returned at once it escapes the catch
    return answer;
  } catch (fault) {
    if (fault.codeName !== "CommandNotFound") throw fault;
    const answer = admin.runCommand({ isMaster: 1 });
    return { ...answer, isWritablePrimary: answer.ismaster };
  }
}

/** Whether a configuration lies on its disk: a server that starts answers `hello` before it has read that. */
function stored(connection) {
  return connection.getDB("local").getCollection("system.replset").findOne() !== null;
}

/** {host, knows, primary}: "unknown" when it can't be asked, for it may well know a set. */
function look(host) {
  try {
    const member = asMember(host);
    const knows = stored(member) ? "a set" : "nothing";
    return { host, knows, primary: Boolean(hello(member).isWritablePrimary) };
  } catch (fault) {
    return { host, knows: "unknown", primary: false, why: fault.message };
  }
}

function log(text) {
  console.log(`${new Date().toISOString()} agent: ${text}`);
}
