# shellcheck shell=bash
# The line to one peer: a subshell that keeps a connection to it, so that a connect(2) or a read that hangs holds up
# nobody else. It answers what peers.sh asks, wakes the main shell when the connection ends, and has the peer's
# name looked up until there is another. Sourced, after member.sh, resp.sh and hosts.sh.
readonly WATCH_S=1

# read_line FD SECONDS: sets READ to a short line, which was written in one piece. Fails as read does.
read_line() {
  local status=0 rest
  IFS= read -r -t "$2" -u "$1" READ || status=$?
  [[ -n $READ ]] && ((status > 128)) || return $status
  IFS= read -r -t "$ANSWER_S" -u "$1" rest && READ+=$rest
}

serve_line() {
  local status LINE_FD=''
  watch_peer "$1" "$2"
  while true; do
    status=0
    read_line 0 $WATCH_S || status=$?
    if ((status == 0)); then
      answer "$1" "${READ%% *}" "${READ#* }"
    elif ((status > 128)); then
      watch_peer "$1" "$2"
    else
      return
    fi
  done
}

# `NUMBER LENGTH` and so many bytes of the reply; 0: none.
answer() {
  local status=2
  if [[ -n $LINE_FD ]]; then
    # shellcheck disable=SC2086  # the words of the command
    status=0 && { resp "$LINE_FD" $3 || status=$?; }
    ((status < 2)) || lose_peer "$1"
  fi
  ((status < 2)) || RESP=''
  printf '%s\n%s' "$2 ${#RESP}" "$RESP"
}

# Nobody asked, so what can be read is the end of the connection.
watch_peer() {
  if [[ -z $LINE_FD ]]; then
    connect_peer "$1" "$2" || look_up_later "$1"
  elif read -r -t 0 -u "$LINE_FD"; then
    lose_peer "$1"
  fi
}

lose_peer() {
  resp_close "$LINE_FD" || LINE_FD=''
  look_up_later "$1"
  wake "lost $1"
}

# On the overlay nobody refuses a connection to the address of a container that is gone: connect(2) would hang for
# two minutes, in which the peer's new address is not looked up.
is_reachable() { timeout 1 bash -c ": >/dev/tcp/$1/$2" 2>/dev/null; }

# A dead peer's address may be another's by now: the one that answers has to say that it is this peer.
connect_peer() {
  local name_of=(config get replica-announce-ip)
  [[ $2 == "$REDIS_PORT" ]] || name_of=(sentinel config get announce-ip)
  address_of "$1" && is_reachable "$ADDRESS" "$2" && resp_open "$ADDRESS" "$2" || return
  if resp "$RESP_FD" "${name_of[@]}" && [[ $RESP == *"announce-ip $1 "* ]]; then LINE_FD=$RESP_FD; else resp_close "$RESP_FD"; fi
}
