# shellcheck shell=bash disable=SC2034,SC2153 # variables of the files that are sourced together
# The other members and the Sentinels, asked through their lines (line.sh); sourced.
#
#   open_lines FOLDER NAME…   once; FOLDER is in memory
#   ask_peers NAME… -- COMMAND…   all at the same time; sets REPLY_OF[name], not set: no answer
#
#: ASK_AGAIN_MS: for a peer that did not answer before. HANGS_MS: after so long a line is begun anew.
readonly ASK_AGAIN_MS=300 HANGS_MS=3000
declare -A REPLY_OF=() TO_LINE=() FROM_LINE=() LINE_PID=() LINE_FAILED=() ASKED_MS=()
ASK_NUMBER=0

# Sets NOW_MS, by a clock that nobody sets. https://man7.org/linux/man-pages/man5/proc_uptime.5.html
now() {
  read -r NOW_MS _ </proc/uptime
  NOW_MS=$((10#${NOW_MS/./} * 10))
}

open_lines() {
  local name
  LINES_FOLDER=$1
  shift
  trap '' PIPE # a line that is gone must not end the main shell
  for name; do open_line "$name"; done
}

open_line() {
  local to from fifo=$LINES_FOLDER/line-$1 port=$REDIS_PORT
  [[ $1 != *sentinel* ]] || port=$SENTINEL_PORT
  rm -f "$fifo" && mkfifo -m 600 "$fifo" || return
  exec {from}<>"$fifo" {to}> >(serve_line "$1" "$port" >"$fifo")
  LINE_PID[$1]=$! TO_LINE[$1]=$to FROM_LINE[$1]=$from
}

close_line() {
  local to=${TO_LINE[$1]} from=${FROM_LINE[$1]}
  kill -KILL "${LINE_PID[$1]}" 2>/dev/null
  exec {to}>&- {from}>&-
}

ask_peers() {
  local names=() name
  while [[ $1 != -- ]]; do names+=("$1") && shift; done
  shift
  now
  ASKING_MS=$NOW_MS REPLY_OF=()
  ((++ASK_NUMBER))
  for name in "${names[@]}"; do ask_line "$name" "$*"; done
  for name in "${names[@]}"; do
    if hear_line "$name"; then unset "LINE_FAILED[$name]"; else LINE_FAILED[$name]=yes; fi
  done
}

# A line that hangs is begun anew.
ask_line() {
  if ((NOW_MS - ${ASKED_MS[$1]:-$NOW_MS} > HANGS_MS)); then
    close_line "$1"
    open_line "$1"
    unset "ASKED_MS[$1]"
  fi
  : "${ASKED_MS[$1]:=$NOW_MS}"
  printf '%s\n' "$ASK_NUMBER $2" >&"${TO_LINE[$1]}"
}

# At most ANSWER_S for all, and less for one that did not answer before. An answer to an earlier question is dropped.
hear_line() {
  local reply
  while wait_for_line "$1"; do
    unset "ASKED_MS[$1]"
    reply=''
    [[ ${READ#* } == 0 ]] || IFS= read -r -t "$ANSWER_S" -u "${FROM_LINE[$1]}" -N "${READ#* }" reply
    [[ ${READ%% *} == "$ASK_NUMBER" ]] || continue
    [[ -n $reply ]] && REPLY_OF[$1]=$reply
    return
  done
}

wait_for_line() {
  local left_ms=$((ANSWER_S * 1000)) left_s
  [[ -z ${LINE_FAILED[$1]:-} ]] || left_ms=$ASK_AGAIN_MS
  now
  ((left_ms += ASKING_MS - NOW_MS, left_ms >= 10 || (left_ms = 10)))
  printf -v left_s '%d.%03d' $((left_ms / 1000)) $((left_ms % 1000))
  read_line "${FROM_LINE[$1]}" "$left_s"
}
