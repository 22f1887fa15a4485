# shellcheck shell=bash disable=SC2034,SC2153 # variables of the files that are sourced together
# Redis and Sentinel asked by builtins alone, over /dev/tcp; sourced. No process is started.
# https://redis.io/docs/latest/develop/reference/protocol-spec/
LC_ALL=C # lengths are bytes
readonly REDIS_PORT=6379 SENTINEL_PORT=26379 ANSWER_S=2
#: The name of the set, also in redis-sentinel/sentinel.conf.j2.
readonly MASTER_NAME=redis-master

# resp_open ADDRESS PORT: sets RESP_FD, signed in as admin. A dead address blocks for minutes in connect(2).
resp_open() {
  { exec {RESP_FD}<>"/dev/tcp/$1/$2"; } 2>/dev/null || return
  if secret redis_admin_password && resp "$RESP_FD" auth admin "$SECRET"; then return; fi
  resp_close "$RESP_FD"
}

# resp_close FD: fails, for the caller to return with.
resp_close() {
  local fd=$1
  exec {fd}>&-
  return 1
}

# resp FD COMMAND…: sets RESP to the reply: its elements and lines on one line, a blank after each.
# 0: done; 1: Redis refused, RESP says why; 2: no answer, and the connection is of no use any more.
resp() {
  RESP=''
  resp_send "$@" || return 2
  resp_read "$1"
}

resp_send() {
  local fd=$1 word request
  shift
  request="*$#"$'\r\n'
  for word; do request+="\$${#word}"$'\r\n'$word$'\r\n'; done
  printf %s "$request" 1>&"$fd" 2>/dev/null
}

resp_read() {
  local line text count status=0
  IFS= read -r -t $ANSWER_S -u "$1" line || return 2
  line=${line%$'\r'}
  case $line in
    [+:]*) RESP+="${line:1} " ;;
    -*) RESP+="${line:1} " status=1 ;;
    '$-1' | '*-1') RESP+='- ' ;; # nothing
    '$'*)
      IFS= read -r -t $ANSWER_S -u "$1" -N $((${line:1} + 2)) text || return 2
      RESP+="${text//$'\r\n'/ }"
      ;;
    '*'*) for ((count = ${line:1}; count > 0; --count)); do resp_read "$1" || return; done ;;
    *) return 2 ;;
  esac
  return $status
}

# field KEY TEXT: sets FIELD to the word after KEY in a reply; KEY ends as the reply has it: `role:`, `flags `.
field() {
  FIELD=" $2"
  [[ $FIELD == *" $1"* ]] || { FIELD='' && return 1; }
  FIELD=${FIELD#*" $1"}
  FIELD=${FIELD%% *}
}

# own COMMAND…: of the server on this machine, over a connection that is kept. As resp.
own() {
  local status=0
  if [[ -z ${OWN_FD:-} ]]; then
    resp_open 127.0.0.1 "${OWN_PORT:-$REDIS_PORT}" || return 2
    OWN_FD=$RESP_FD
  fi
  resp "$OWN_FD" "$@" || status=$?
  ((status < 2)) || { resp_close "$OWN_FD" || OWN_FD=''; }
  return $status
}
