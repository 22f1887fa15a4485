// The users of the set. Each start makes them what is declared here, so a changed secret is a changed password.
// Loaded after servers.js.

const USERS = [
  { user: "root", roles: [{ role: "root", db: "admin" }] },
  { user: "app", roles: [{ role: "readWrite", db: "platform" }] },
  { user: "exporter", roles: [{ role: "clusterMonitor", db: "admin" }, { role: "read", db: "local" }] },
  { user: "backup", roles: [{ role: "backup", db: "admin" }] },
];
const MECHANISM = "SCRAM-SHA-256";
const MAJORITY = { w: "majority", wtimeout: 10000 };

/** Make users, roles and passwords as declared; `primary` is a member's connection to it. Returns what changed. */
function ensureUsers(primary, host) {
  return USERS.filter((each) => ensure(primary.getDB("admin"), host, each)).map((each) => each.user);
}

function ensure(admin, host, { user, roles }) {
  const pwd = secret(`mongodb_${user}_password`);
  const [known] = admin.runCommand({ usersInfo: { user, db: "admin" } }).users;
  if (!known) {
    admin.runCommand({ createUser: user, pwd, roles, mechanisms: [MECHANISM], writeConcern: MAJORITY });
    return true;
  }
  if (named(known.roles) === named(roles) && letsIn(host, user, pwd)) return false;
  admin.runCommand({ updateUser: user, pwd, roles, mechanisms: [MECHANISM], writeConcern: MAJORITY });
  return true;
}

function named(roles) {
  return roles.map(({ role, db }) => `${db}.${role}`).sort().join(" ");
}

function letsIn(host, user, pwd) {
  try {
    connect(host, user, pwd, "admin", MECHANISM).close();
    return true;
  } catch (fault) {
    if (fault.codeName === "AuthenticationFailed") return false;
    throw fault;
  }
}
