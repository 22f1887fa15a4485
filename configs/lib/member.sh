# shellcheck shell=bash disable=SC2034  # the scripts that source this file read them
# What PID 1 of a member shares with others of its kind; sourced. Needs bash 5 and mkfifo, starts no process at a turn.
# Input: MEMBERS (components/task.py). LEAVING is not empty once the engine has asked the member to stop.
read -ra MEMBER_NAMES <<<"${MEMBERS:-}"
LEAVING='' EVENT='' LAST_LINE='' LAST_LINE_S=0
readonly SAY_AGAIN_S=30 # a line that repeats is said again after so long
TZ=UTC

log() { printf '%(%FT%TZ)T [%s] %s\n' -1 "${0##*/}" "$*" >&2; }

# log_once TEXT: a waiting loop says the same only when it changed, or now and then.
log_once() {
  if [[ $1 == "$LAST_LINE" ]] && ((SECONDS - LAST_LINE_S < SAY_AGAIN_S)); then return; fi
  LAST_LINE=$1 LAST_LINE_S=$SECONDS
  log "$1"
}

# secret NAME: sets SECRET to its first line, or fails.
secret() {
  SECRET=''
  IFS= read -r SECRET <"/run/secrets/$1" || [[ -n $SECRET ]] || { log "secret $1: empty or missing"; return 1; }
  SECRET=${SECRET%$'\r'}
}

# member_begin FOLDER: once, before anything else: signals and events. FOLDER is the member's own, in memory.
member_begin() {
  local fifo=$1/events
  rm -f "$fifo"
  mkfifo -m 600 "$fifo" || return
  exec {EVENTS}<>"$fifo"
  trap 'LEAVING=yes; wake stop' TERM INT
}

# wake WORD: an event; ends a pause, from any process of this container.
wake() { printf '%s\n' "$1" >&"$EVENTS"; }

# pause SECONDS: until an event, a signal or the time is over. Several events end one pause, not several.
pause() {
  [[ -z $LEAVING ]] || return 0
  read -r -t "$1" -u "$EVENTS" EVENT || { EVENT=''; return 0; }
  while read -r -t 0 -u "$EVENTS" && read -r -u "$EVENTS" EVENT; do :; done
}

# until_true SECONDS COMMAND…: true as soon as the command is, false when the time is over or the server has ended.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) && kill -0 "${SERVER:-$$}" 2>/dev/null || return 1
    read -r -t 0.2 -u "$EVENTS" || true
  done
}

# own_volume FOLDER: one container at a time. A node that comes back from a network cut gets its new task at once,
# while the old one, which never stopped, still leaves in good order. The lock ends with the container; 1 on TERM.
own_volume() {
  exec 9>"$1/lock"
  until flock -n 9; do
    [[ -z $LEAVING ]] || return 1
    log_once "waiting: another container still has this volume"
    pause 1
  done
}

# pass_log REGEX [EVERY_S]: a server's log, from stdin to stdout, line by line. A line that matches is an event, though
# not within EVERY_S of the last one; and so is the end.
pass_log() {
  local line after_s=0
  while IFS= read -r line; do
    printf '%s\n' "$line"
    if [[ ! $line =~ $1 ]] || ((SECONDS < after_s)); then continue; fi
    after_s=$((SECONDS + ${2:-0}))
    wake log
  done
  wake ended
}
