# shellcheck shell=bash
# What the hooks of MongoDB share; sourced. Input: MONGODB_MEMBERS (names, of the engine).
# shellcheck source=configs/lib/backup/lib.sh
. "${BASH_SOURCE[0]%/*}/../lib.sh"
export SOCKET=$SCRATCH/mongodb.sock # the scratch server listens on nothing else
export SCRATCH_URI="mongodb://${SOCKET//\//%2F}"

# js TASK [DATABASE…]: what needs a driver; what it needs to know is environment.
js() { TASK=$1 NAMES="${*:2}" mongosh --nodb --norc --quiet "$HOOKS/mongodb.js"; }

# login USER: sets LOGIN to a file of the tools' own options, so that no password is in argv.
login() {
  secret "mongodb_$1_password"
  LOGIN=$WORK/$1.login
  printf 'password: "%s"\n' "$SECRET" >"$LOGIN"
}

# find_primary: sets HOST.
find_primary() {
  HOST=$(js primary)
  [[ -n $HOST ]] || fail 1 "mongodb: the set has no primary, nothing was touched; see: python -m ops status"
  export HOST
}

# failure REPORT: what a tool complained of, without its time.
failure() { { grep -F 'Failed:' "$1" || tail -n 1 "$1"; } | tail -n 1 | cut -f 2-; }

# unequal ONE TWO: of files of lines `name value` (a tab between), sorted: the names that differ, with both values.
unequal() {
  join -t $'\t' -a 1 -a 2 -e missing -o 0,1.2,2.2 "$1" "$2" |
    awk -F '\t' '$2 != $3 { printf "%s%s: %s against %s", between, $1, $2, $3; between = "; " }'
}
