# shellcheck shell=bash
# Peers' names in /etc/hosts; sourced. Redis and Sentinel look names up while everything else waits. A name
# without a living task is asked for outside the swarm, which can take seconds: Sentinel then enters TILT and
# does not fail over. So a dead peer keeps its last address, unless a living peer has it.
#
#   keep_hosts FOLDER NAME…   looks all up now, later those that look_up_later names; FOLDER is in memory
#   look_up_later NAME        from any process of this container
#   address_of NAME           sets ADDRESS, fails when the peer was never seen
#: A documentation address (RFC 5737), which nobody has: stands for a peer that was never seen.
readonly NOWHERE=192.0.2.1 LOOK_UP_S=1
declare -A LIVING=() LAST_ADDRESS=()
HOSTS_WRITTEN=''

keep_hosts() {
  local fifo=$1/lookups
  shift
  HOSTS_KEPT=("$@")
  rm -f "$fifo"
  mkfifo -m 600 "$fifo" || return
  exec {LOOKUPS}<>"$fifo" {NEVER}<> <(:)
  read_hosts
  HOSTS_BASE=$HOSTS_OTHERS
  look_up "$@"
  look_up_on_demand &
}

look_up_later() { printf '%s\n' "$1" >&"$LOOKUPS"; }

# Not more often than once a second, each name once.
look_up_on_demand() {
  local name
  local -A lost
  while read -r -u "$LOOKUPS" name; do
    lost=([$name]=yes)
    while read -r -t 0 -u "$LOOKUPS" && read -r -u "$LOOKUPS" name; do lost[$name]=yes; done
    look_up "${!lost[@]}"
    read -r -t $LOOK_UP_S -u "$NEVER"
  done
}

# All at the same time, and not in /etc/hosts itself. https://man7.org/linux/man-pages/man1/getent.1.html
# A name that takes longer than LOOK_UP_S has no living task.
look_up() {
  local name answer rest left_s=$LOOK_UP_S
  local -A answers=()
  for name; do
    exec {answer}< <(exec getent -s hosts:dns ahostsv4 "$name" 2>/dev/null)
    answers[$name]=$answer
  done
  for name; do
    answer=${answers[$name]}
    read -r -t $left_s -u "$answer" "LIVING[$name]" rest || { LIVING[$name]='' left_s=0.1; }
    exec {answer}<&-
  done
  write_hosts
}

write_hosts() {
  local name address text=''
  for name in "${HOSTS_KEPT[@]}"; do
    address=${LIVING[$name]:-${LAST_ADDRESS[$name]:-$NOWHERE}}
    [[ -z ${LIVING[$name]:-} && " ${LIVING[*]} " == *" $address "* ]] && address=$NOWHERE
    LAST_ADDRESS[$name]=$address
    text+="$address $name # peer"$'\n'
  done
  [[ $text != "$HOSTS_WRITTEN" ]] || return 0
  HOSTS_WRITTEN=$text
  printf '%s%s' "$HOSTS_BASE" "$text" >/etc/hosts # a mount: it can't be replaced
}

# Sets HOSTS_OTHERS to what others wrote, PEER_LINES to ours.
read_hosts() {
  local lines line
  HOSTS_OTHERS='' PEER_LINES=' '
  mapfile -t lines </etc/hosts
  for line in "${lines[@]}"; do
    if [[ $line == *'# peer' ]]; then PEER_LINES+="$line "; else HOSTS_OTHERS+=$line$'\n'; fi
  done
}

address_of() {
  read_hosts
  [[ $PEER_LINES =~ \ ([0-9.]+)\ "$1"\ # ]] && ADDRESS=${BASH_REMATCH[1]} && [[ $ADDRESS != "$NOWHERE" ]]
}
