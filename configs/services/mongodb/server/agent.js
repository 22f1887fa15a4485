// Beside mongod, once per start: look, decide, act, until the replica set and its users are as declared.
// Every member runs it; whoever comes second finds nothing to do.
const { decide } = require("/etc/mongodb/decide.js");
load("/etc/mongodb/servers.js");
load("/etc/mongodb/users.js");

const EVERY_MS = 1000;
const COMMAND_NOT_FOUND = "CommandNotFound";

const declared = wanted();
const port = declared.members[0].host.split(":")[1];
const self = `${require("os").hostname()}:${port}`;
let said = "";

function say(text) {
  if (text !== said) log(text);
  said = text;
}

function round() {
  const seen = declared.members.map((each) => look(each.host));
  const primary = seen.find((each) => each.primary);
  const member = primary && asMember(primary.host);
  const held = member ? member.getDB("admin").runCommand({ replSetGetConfig: 1 }).config : null;
  const step = decide(declared, self, seen, held);
  if (step.do === "wait") return say(step.why);
  if (step.do === "initiate") return initiate(step.config);
  if (step.do === "reconfigure") return reconfigure(member, step.config);
  return finish(member, primary.host);
}

function initiate(config) {
  asMember(self).getDB("admin").runCommand({ replSetInitiate: config });
  say(`initiated with ${config.members.map((each) => each.host).join(", ")}`);
}

function reconfigure(member, config) {
  member.getDB("admin").runCommand({ replSetReconfig: config });
  say(`configuration ${config.version}: ${config.members.map((each) => `${each.host} (${each.priority})`).join(", ")}`);
}

function finish(member, host) {
  majorityByDefault(member);
  const changed = ensureUsers(member, host);
  say(changed.length ? `users changed: ${changed.join(", ")}` : "users are as declared");
  return true;
}

/** Writes are acknowledged by a majority unless a client asks for less. Servers before 4.4 can't be told. */
function majorityByDefault(member) {
  try {
    const command = { setDefaultRWConcern: 1, defaultWriteConcern: { w: "majority", wtimeout: 0 } };
    member.getDB("admin").runCommand({ ...command, writeConcern: { w: "majority", wtimeout: 10000 } });
  } catch (fault) {
    if (fault.codeName !== COMMAND_NOT_FOUND) throw fault;
    log("this server is older than 4.4: no default of its own; clients must ask for w=majority");
  }
}

/** A fault of one round (a primary that has just gone, another agent that was first) is said and tried again. */
function tried() {
  try {
    const done = round();
    return done;
  } catch (fault) {
    return say(`${fault.codeName ?? fault.name}: ${fault.message}`);
  }
}

while (!tried()) sleep(EVERY_MS);
