// What to do next for the replica set, from what every member says. Pure: mongosh and node run it alike.
//
// wanted: {_id, members: [{host, priority}], settings}    what is declared, the preferred primary first
// seen:   [{host, knows: "unknown" | "nothing" | "a set", primary: bool}]    one per wanted member
// held:   the configuration as the primary holds it, or null when no primary was found

/** Who may initiate, and when: only the first member, only if every member surely knows nothing. */
function beginning(wanted, self, seen) {
  const silent = seen.filter((each) => each.knows === "unknown").map((each) => `${each.host} can't be asked (${each.why})`);
  if (silent.length > 0) return wait(`who was asked knows no set, and ${silent.join(", ")}`);
  if (self !== wanted.members[0].host) return wait(`${wanted.members[0].host} initiates`);
  return { do: "initiate", config: initial(wanted) };
}

function decide(wanted, self, seen, held) {
  if (seen.every((each) => each.knows !== "a set")) return beginning(wanted, self, seen);
  if (!held) return wait("the set has no primary yet");
  const next = reconfigured(held, wanted);
  return next ? { do: "reconfigure", config: next } : { do: "nothing" };
}

function wait(why) {
  return { do: "wait", why };
}

function initial(wanted) {
  return { _id: wanted._id, version: 1, members: wanted.members.map((each, id) => ({ _id: id, ...each })),
    settings: wanted.settings };
}

/**
 * The next configuration on the way from held to wanted, or null when held is as wanted. Of voting members
 * one is added or removed at a time, so that any two majorities overlap:
 * https://www.mongodb.com/docs/manual/reference/method/rs.reconfig/#reconfiguration-can-add-or-remove-no-more-than-one-voting-member-at-a-time
 */
function reconfigured(held, wanted) {
  const byHost = new Map(wanted.members.map((each) => [each.host, each]));
  const kept = held.members.filter((each) => byHost.has(each.host)).map((each) => ({ ...each, ...byHost.get(each.host) }));
  const gone = held.members.filter((each) => !byHost.has(each.host));
  const missing = wanted.members.filter((each) => !held.members.some((other) => other.host === each.host));
  let members = [...kept, ...gone];
  if (missing.length > 0) members = [...members, { _id: 1 + Math.max(...held.members.map((each) => each._id)), ...missing[0] }];
  else if (gone.length > 0) members = [...kept, ...gone.slice(1)];
  const settings = { ...held.settings, ...wanted.settings };
  const next = { ...held, members: inOrder(members, held), settings };
  return same(next, held) ? null : { ...next, version: Number(held.version) + 1 };
}

function inOrder(members, held) {
  const place = (each) => held.members.findIndex((other) => other.host === each.host);
  return [...members].sort((a, b) => (place(a) < 0) - (place(b) < 0) || place(a) - place(b));
}

function same(one, two) {
  return JSON.stringify(one) === JSON.stringify(two);
}

module.exports = { decide, reconfigured };
