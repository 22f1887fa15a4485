# shellcheck shell=bash disable=SC2034  # the scripts that source this file read them
# shellcheck disable=SC2015,SC2034,SC2154,SC2153  # the scripts that broker.sh and namesrv.sh source share their variables
# RocketMQ's remoting protocol by builtins: a question costs no process, a signed one four. Sourced by both parts.
# https://github.com/apache/rocketmq/blob/develop/docs/en/Design_Remoting.md
LC_ALL=C # lengths are bytes
readonly NAMESRV_PORT=9876 CONTROLLER_PORT=9878 BROKER_PORT=10911 REPLICATION_PORT=10912 ANSWER_S=3 REACH_S=2
readonly ELECT_MASTER=1002 GET_METADATA=1005 GET_SYNC_STATE=1006 CLEAN_BROKER=1011
readonly UPDATE_TOPIC=17 UPDATE_CONFIG=25 UPDATE_GROUP=200 GET_TOPIC=351 GET_GROUP=352 EXCHANGE_HA=906
readonly CREATE_USER=3001 UPDATE_USER=3002 DELETE_USER=3003 GET_USER=3004 LIST_USERS=3005 CREATE_ACL=3006 DELETE_ACL=3008 GET_ACL=3009
REMOTE='' LINK_USER='' LINK_KEY=''

# is_open HOST PORT: in a process of its own, as a dead address blocks for minutes in connect(2).
# shellcheck disable=SC2016  # the inner shell expands it
is_open() { timeout $REACH_S bash -c '</dev/tcp/"$0"/"$1"' "$1" "$2" 2>/dev/null; }

# link HOST PORT [USER SECRET]: opens REMOTE, by which `ask` asks; with a user each question is signed.
link() {
  unlink_remote
  [[ $1 == 127.0.0.1 ]] || is_open "$1" "$2" || return
  { exec {REMOTE}<>"/dev/tcp/$1/$2"; } 2>/dev/null || { REMOTE='' && return 1; }
  LINK_USER=${3-} LINK_KEY=''
  [[ -z $LINK_USER ]] || { secret "$4" && LINK_KEY=$SECRET; }
}

unlink_remote() {
  [[ -z $REMOTE ]] || exec {REMOTE}>&-
  REMOTE=''
}

# ask CODE BODY [KEY VALUE]…: keys in their order of characters. Sets ANSWER_CODE (0: done), ANSWER (header), ANSWER_BODY.
# Fails when no answer came; the link is closed then.
ask() {
  local code=$1 body=$2 key fields='' content='' header total header_length size
  shift 2
  [[ -z $LINK_USER ]] || set -- AccessKey "$LINK_USER" "$@"
  while (($#)); do
    fields+=",\"$1\":\"$2\"" content+=$2
    shift 2
  done
  if [[ -n $LINK_USER ]]; then
    sign "$content$body" || return
    fields+=",\"Signature\":\"$SIGNATURE\""
  fi
  printf -v header '{"code":%d,"flag":0,"language":"OTHER","opaque":1,"serializeTypeCurrentRPC":"JSON","version":500,"extFields":{%s}}' \
    "$code" "${fields#,}"
  ANSWER_CODE='' ANSWER='' ANSWER_BODY=''
  bytes $((4 + ${#header} + ${#body})) && total=$BYTES && bytes ${#header}
  # shellcheck disable=SC2059  # the lengths' bytes are the format
  { printf "$total$BYTES" && printf %s "$header$body"; } 1>&"$REMOTE" 2>/dev/null && read_word && total=$WORD && read_word &&
    header_length=$((WORD & 0xffffff)) && read_text "$header_length" && ANSWER=$TEXT || { unlink_remote && return 1; }
  size=$((total - 4 - header_length))
  if ((size > 0)); then read_text $size || { unlink_remote && return 1; }; ANSWER_BODY=$TEXT; fi
  [[ $ANSWER =~ \"code\":([0-9]+) ]] && ANSWER_CODE=${BASH_REMATCH[1]}
}

# done_by CODE BODY [KEY VALUE]…: the question was answered by success; else logs why not.
done_by() {
  ask "$@" || return
  [[ $ANSWER_CODE == 0 ]] || { log_once "request $1 refused: $ANSWER_CODE $(remark)" && return 1; }
}

remark() { [[ $ANSWER =~ \"remark\":\"([^\"]*)\" ]] && printf %s "${BASH_REMATCH[1]:0:200}"; }

bytes() { printf -v BYTES '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)); }

# A byte that is zero is an end of line here, and reads as nothing.
read_word() {
  local byte count
  WORD=0
  for count in 1 2 3 4; do
    IFS= read -r -d '' -n 1 -t $ANSWER_S -u "$REMOTE" byte || return
    printf -v byte %d "'$byte"
    WORD=$((WORD << 8 | byte & 255))
  done
}

read_text() { IFS= read -r -N "$1" -t $ANSWER_S -u "$REMOTE" TEXT && ((${#TEXT} == $1)); }

# sign TEXT: sets SIGNATURE, HMAC-SHA1 by LINK_KEY in base64; the key is in no process's arguments. https://www.rfc-editor.org/rfc/rfc2104
sign() {
  local inner='' outer='' byte place
  for ((place = 0; place < 64; ++place)); do
    printf -v byte %d "'${LINK_KEY:place:1}"
    printf -v inner '%s\\x%02x' "$inner" $((byte ^ 0x36))
    printf -v outer '%s\\x%02x' "$outer" $((byte ^ 0x5c))
  done
  # shellcheck disable=SC2059  # bytes
  inner=$({ printf "$inner" && printf %s "$1"; } | sha1sum) && inner=${inner%% *} &&
    SIGNATURE=$({ printf "$outer" && printf "$(as_bytes "$inner")"; } | sha1sum) &&
    SIGNATURE=$(printf "$(as_bytes "${SIGNATURE%% *}")" | base64)
}

as_bytes() {
  local place
  for ((place = 0; place < ${#1}; place += 2)); do printf '\\x%s' "${1:place:2}"; done
}
