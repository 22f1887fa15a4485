// A primary hands over to a member that has everything; anybody else has nothing to do.
load("/etc/mongodb/servers.js");

const CATCH_UP_S = 8;
const NOT_AGAIN_S = 60; // longer than a restart, so that the hand-over isn't undone at once

const port = wanted().members[0].host.split(":")[1];
const here = asMember(`127.0.0.1:${port}`);
if (hello(here).isWritablePrimary) {
  const asked = { replSetStepDown: NOT_AGAIN_S, secondaryCatchUpPeriodSecs: CATCH_UP_S };
  try {
    here.getDB("admin").runCommand(asked);
  } catch (fault) {
    if (!/connection|network/i.test(`${fault.name} ${fault.message}`)) throw fault; // before 4.2 it hangs up
  }
  log("stepped down");
}
