# What is copied to the bucket and what goes from it. Input, newest ID first: `local ID` (proven, on the volume),
# `held ID` (whole in the bucket), `rest ID` (there without its manifest). Output: `copy ID`, `remove ID`, and
# `oldest ID` of those that the bucket has in the end.
# Inputs: keep (so many always stay), limit (an ID: older ones beyond those go).
# Only what the bucket has counts as kept there: where copies fail, nothing that is there goes for them.
$2 != id { settle(); id = $2; here = held = rest = 0 }
$1 == "local" { here = 1 }
$1 == "held" { held = 1 }
$1 == "rest" { rest = 1 }
END { settle(); if (oldest != "") print "oldest", oldest }

function settle() {
  if (id == "") return
  if (here || held) known++
  if (held) kept++
  if (held && (kept <= keep || id >= limit)) oldest = id
  else if (here && !held && (known <= keep || id >= limit)) { print "copy", id; oldest = id }
  else if ((held || rest) && id < limit) print "remove", id
}
