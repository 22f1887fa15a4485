# shellcheck shell=dash
# What a backup's manifest says, and files against it; sourced after lib.sh. Lists are `sha256  name`, sorted.

# flat FILE: the JSON without blanks between its parts (and in its texts, which are not asked for here).
flat() { tr -d ' \t\n' <"$1"; }

state_of() { flat "$1" | grep -oE '"state":"[a-z]+"' | head -n 1 | cut -d '"' -f 4; }

# listed MANIFEST: its files; nothing where one of them can't be read, or has a name that could lead elsewhere.
listed() {
  flat "$1" | sed 's/"[^"]*":{"bytes":/\n&/g' | awk -F '"' '
    $3 != ":{" || $4 != "bytes" { next }
    $2 !~ /^[A-Za-z0-9][A-Za-z0-9._-]*$/ || $6 != "sha256" || $8 !~ /^[0-9a-f]+$/ || length($8) != 64 { bad = 1 }
    { lines = lines $8 "  " $2 "\n" }
    END { if (!bad) printf "%s", lines }' | sort
}

# found FOLDER LIST: what those files are now; one that is missing is left out.
found() { (cd "$1" && names <"$2" | xargs sha256sum 2>/dev/null) | sort || true; }

names() { sed 's/^[^ ]*  //'; }

# differs FOLDER LIST: the files that aren't what the list says, in one line; nothing when all are.
differs() { found "$1" "$2" | against "$2"; }

# against LIST: names of the list whose line isn't on stdin, which may be empty.
against() { awk 'part == 1 { seen[$0]; next } !($0 in seen) { print $2 }' part=1 - part=2 "$1" | paste -s -d ' ' -; }

# put FOLDER PLACE LIST LAST: the files into the bucket, read back and compared, then those named in the file
# LAST, which make it whole. A copy that broke off is done again from the beginning.
put() {
  local wrong
  names <"$3" >"$WORK/put.names"
  s3 copy --ignore-times --files-from-raw "$WORK/put.names" "$1" "$REMOTE/$2"
  s3 hashsum sha256 --download --files-from-raw "$WORK/put.names" "$REMOTE/$2" >"$WORK/put.found"
  wrong=$(against "$3" <"$WORK/put.found")
  [ -z "$wrong" ] || fail 1 "backup-bucket: $2: $wrong did not arrive as sent; tries another time"
  s3 copy --ignore-times --error-on-no-transfer --files-from-raw "$4" "$1" "$REMOTE/$2"
}
