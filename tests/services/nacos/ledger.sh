#!/usr/bin/env bash
# A ledger in Nacos: configurations by number, and one registered instance. Runs in a container of Nacos' image, on the
# members' network, with the secret nacos_app_password; needs bash, curl, awk.
#
#   ledger.sh publish NAME COUNT PER_SECOND [FIRST]   configurations NAME-<number> from FIRST on; prints "NUMBER MILLISECONDS"
#                                                     for each that was acknowledged, as it comes
#   ledger.sh check NAME <acknowledged                reads each from every member; prints "missing NUMBER MEMBER" and a sum;
#                                                     1 when one is missing
#   ledger.sh beat SERVICE COUNT PER_SECOND           registers an instance, and again with each number, which is its heartbeat;
#                                                     prints "NUMBER MILLISECONDS INSTANCES" with how many a member then lists
# A number goes to the next member until one takes it, for two minutes. SERVERS: host:port …; USER_NAME: app
set -euo pipefail
: "${SERVERS:=nacos-1:8848 nacos-2:8848 nacos-3:8848}" "${USER_NAME:=app}"
read -ra HOSTS <<<"$SERVERS"
AT=0 TOKEN='' ANSWER=''

main() {
  exec {NEVER}<> <(:)
  IFS= read -r PASSWORD <"/run/secrets/nacos_${USER_NAME}_password" || [[ -n $PASSWORD ]]
  "$@"
}

# ask PATH [CURL OPTIONS…]: one member, with a token; 1 unless it says success.
ask() {
  local path=$1
  shift
  [[ -n $TOKEN ]] || log_in || return
  ANSWER=$(curl -sS -m 2 --connect-timeout 1 -K <(printf 'header = "accessToken: %s"\n' "$TOKEN") "$@" "http://${HOSTS[AT]}/nacos$path" 2>&1) || return
  [[ $ANSWER != *'"status":403'* ]] || TOKEN=''
  [[ $ANSWER == *'"code":0,'* ]]
}

log_in() {
  ANSWER=$(curl -sS -m 3 --connect-timeout 1 -d "username=$USER_NAME" --data-urlencode "password@-" \
    "http://${HOSTS[AT]}/nacos/v3/auth/user/login" 2>&1 < <(printf %s "$PASSWORD")) || return
  [[ $ANSWER =~ \"accessToken\":\"([^\"]+)\" ]] && TOKEN=${BASH_REMATCH[1]}
}

# insist COMMAND…: again, at the next member, until it succeeds.
insist() {
  local end=$((SECONDS + 120))
  until "$@"; do
    ((SECONDS < end)) || { echo "gave up: $* ($ANSWER)" >&2; return 1; }
    AT=$(((AT + 1) % ${#HOSTS[@]}))
    read -r -t 0.2 -u "$NEVER" || true
  done
}

# each COUNT PER_SECOND FIRST COMMAND…: calls COMMAND with each number, in time.
each() {
  local count=$1 every_us=$((1000000 / $2)) first=$3 number start=${EPOCHREALTIME/./} wait_us
  shift 3
  for ((number = first; number < first + count; number++)); do
    "$@" "$number" || continue
    wait_us=$((start + (number - first + 1) * every_us - ${EPOCHREALTIME/./}))
    ((wait_us <= 0)) || read -r -t "$((wait_us / 1000000)).$(printf %06d $((wait_us % 1000000)))" -u "$NEVER" || true
  done
}

now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

publish() { each "$2" "$3" "${4:-0}" publish_one "$1"; }

publish_one() {
  insist ask /v3/admin/cs/config -d namespaceId=public -d groupName=ledger -d "dataId=$1-$2" -d "content=$2" &&
    echo "$2 $(now_ms)"
}

check() {
  local number rest host
  while read -r number rest; do
    for host in "${!HOSTS[@]}"; do
      held_by "$host" "$1-$number" "$number" || echo "missing $number ${HOSTS[host]}"
    done
    echo "read $number"
  done | awk '$1 == "missing" { print; missing++ } $1 == "read" { read++ }
    END { printf "acknowledged %d, missing %d\n", read, missing; exit missing > 0 }'
}

# held_by HOST NAME CONTENT: no answer is no proof; after a minute it counts as missing.
held_by() {
  local end=$((SECONDS + 60))
  AT=$1
  until ask "/v3/client/cs/config?namespaceId=public&groupName=ledger&dataId=$2" || [[ $ANSWER == *'"code":20004,'* ]]; do
    ((SECONDS < end)) || return
    read -r -t 0.5 -u "$NEVER" || true
  done
  [[ $ANSWER == *"\"content\":\"$3\""* ]]
}

beat() { each "$2" "$3" 0 beat_one "$1"; }

beat_one() {
  local text instances=0
  insist ask /v3/client/ns/instance -d namespaceId=public -d groupName=ledger -d "serviceName=$1" -d ip=192.0.2.1 -d port=1 -d ephemeral=true || return
  insist ask "/v3/client/ns/instance/list?namespaceId=public&groupName=ledger&serviceName=$1" || return
  text=$ANSWER
  while [[ $text == *'"ip":'* ]]; do text=${text#*'"ip":'} instances=$((instances + 1)); done
  echo "$2 $(now_ms) $instances"
}

main "$@"
