// What to do next for the replica set, from what every member says. Pure: mongosh and node run it alike.
//
// wanted: {_id, members: [{host, priority}], settings}    what is declared, the preferred primary first
// seen:   [{host, knows: "unknown" | "nothing" | "a set", primary: bool}]    one per wanted member
// held:   the configuration as the primary holds it, or null when no primary was found

function declared(names) {
  const members = names.map((name, place) => ({ host: `${name}:27017`, priority: place === 0 ? 2 : 1 }));
  const settings = { chainingAllowed: false, electionTimeoutMillis: 4000, catchUpTimeoutMillis: 2000 };
  return { _id: "rs0", members, settings };
}

function decide(wanted, self, seen, held) {
  if (seen.every((each) => each.knows !== "a set")) return beginning(wanted, self, seen);
  if (!held) return wait("the set has no primary yet");
  const next = reconfigured(held, wanted);
  return next ? { do: "reconfigure", config: next } : { do: "nothing" };
}

/** Who may initiate, and when: only the first member, only if every member surely knows nothing. */
function beginning(wanted, self, seen) {
  const silent = seen.filter((each) => each.knows === "unknown").map((each) => `${each.host} can't be asked (${each.why})`);
  if (silent.length > 0) return wait(`who was asked knows no set, and ${silent.join(", ")}`);
  if (self !== wanted.members[0].host) return wait(`${wanted.members[0].host} initiates`);
  return { do: "initiate", config: { ...wanted, version: 1, members: wanted.members.map((each, id) => ({ _id: id, ...each })) } };
}

function wait(why) {
  return { do: "wait", why };
}

/**
 * The next configuration on the way from held to wanted, or null when held is as wanted. Of voting members
 * one is added or removed at a time, so that any two majorities overlap:
 * https://www.mongodb.com/docs/manual/reference/method/rs.reconfig/#reconfiguration-can-add-or-remove-no-more-than-one-voting-member-at-a-time
 */
function reconfigured(held, wanted) {
  const of = (config, host) => config.members.find((each) => each.host === host);
  const members = held.members.map((each) => ({ ...each, ...of(wanted, each.host) }));
  const missing = wanted.members.find((each) => !of(held, each.host));
  const gone = members.findIndex((each) => !of(wanted, each.host));
  if (missing) members.push({ _id: 1 + Math.max(...members.map((each) => each._id)), ...missing });
  else if (gone >= 0) members.splice(gone, 1);
  const next = { ...held, members, settings: { ...held.settings, ...wanted.settings } };
  return JSON.stringify(next) === JSON.stringify(held) ? null : { ...next, version: Number(held.version) + 1 };
}

module.exports = { declared, decide };
