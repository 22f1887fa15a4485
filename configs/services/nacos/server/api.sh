# shellcheck shell=bash disable=SC2034  # the scripts that source this file read them
# Asking members over HTTP. Secrets reach curl by a file descriptor or stdin.
# API_LIMIT_S: how long a member may take to answer.
: "${API_LIMIT_S:=3}"

# api HOST PATH [CURL OPTIONS…]: as a member, who may do everything. Sets ANSWER; 1 unless it says success.
# Where a statement changes nothing (a user that exists) Nacos answers with nothing at all: look before.
api() {
  local host=$1 path=$2
  shift 2
  secret nacos_identity || return
  ANSWER=$(curl -sS -m "$API_LIMIT_S" -K <(printf 'header = "X-Nacos-Member: %s"\n' "$SECRET") "$@" "http://$host:8848/nacos$path" 2>&1) || return
  [[ $ANSWER == *'"code":0,'* ]]
}

# login USER PASSWORD: sets TOKEN, or 1. Costs the server some 100 ms.
login() {
  ANSWER=$(curl -sS -m "$API_LIMIT_S" -d "username=$1" --data-urlencode "password@-" "http://127.0.0.1:8848/nacos/v3/auth/user/login" 2>&1 < <(printf %s "$2")) || return
  TOKEN=''
  [[ ! $ANSWER =~ \"accessToken\":\"([^\"]+)\" ]] || TOKEN=${BASH_REMATCH[1]}
  [[ -n $TOKEN ]]
}

# read_view HOST: sets VIEW to what that member thinks: `<group>=<leader>/<number of members>` for each raft group, in
# order, and `up=<number of members that are up>`. Empty when it does not answer.
read_view() {
  local text group='"([a-z0-9_]+)":\{"leader":("[^"]*"|null),"raftGroupMember":\[([^]]*)\]' up=0 words=() members
  VIEW=''
  api "$1" /v3/admin/core/cluster/node/self || return
  text=$ANSWER
  while [[ $text =~ $group ]]; do
    text=${text#*"${BASH_REMATCH[0]}"}
    read -ra members <<<"${BASH_REMATCH[3]//,/ }"
    words+=("${BASH_REMATCH[1]}=$(leader_name "${BASH_REMATCH[2]}")/${#members[@]}")
  done
  api "$1" /v3/admin/core/cluster/node/list || return
  text=$ANSWER
  while [[ $text == *'"state":"UP"'* ]]; do
    text=${text#*'"state":"UP"'}
    up=$((up + 1))
  done
  VIEW="${words[*]:-} up=$up"
}

leader_name() {
  local name=${1//\"/}
  name=${name%%:*}
  [[ $name == null ]] || printf '%s' "$name"
}
