// The users of the set. Each start makes them what is declared here, so a changed secret is a changed password.
const USERS = [
  { user: "root", roles: [{ role: "root", db: "admin" }] },
  { user: "app", roles: [{ role: "readWrite", db: "platform" }] },
  { user: "exporter", roles: [{ role: "clusterMonitor", db: "admin" }, { role: "read", db: "local" }] },
  { user: "backup", roles: [{ role: "backup", db: "admin" }] },
];
const MECHANISM = "SCRAM-SHA-256";
const MAJORITY = { w: "majority", wtimeout: 10000 };

/** Make users, roles and passwords on the primary as declared. Returns the names of those that were changed. */
function ensureUsers(primary) {
  return USERS.filter((each) => ensure(primary, each)).map((each) => each.user);
}

function ensure(primary, { user, roles }) {
  const pwd = secret(`mongodb_${user}_password`);
  const [known] = adminOf(primary).runCommand({ usersInfo: { user, db: "admin" } }).users;
  // A user that is right stays untouched: a new salt would fail whoever is just logging in.
  if (known && named(known.roles) === named(roles) && letsIn(primary, user, pwd)) return false;
  const command = known ? { updateUser: user } : { createUser: user };
  adminOf(primary).runCommand({ ...command, pwd, roles, mechanisms: [MECHANISM], writeConcern: MAJORITY });
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
