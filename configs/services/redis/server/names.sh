# shellcheck shell=bash disable=SC2153 # variables of the files that are sourced together
# Peers' names in /etc/hosts; sourced. Redis and Sentinel look names up while everything else waits. A name
# without a living task is asked for outside the swarm, which can take seconds: Sentinel then enters TILT and
# does not fail over. So a dead peer keeps its last address, unless a living peer has it.
#: A documentation address (RFC 5737), which nobody has: stands for a peer that was never seen.
readonly NOWHERE=192.0.2.1 LOOK_UP_S=1

# look_up NAME…: all at the same time, and not in /etc/hosts itself. https://man7.org/linux/man-pages/man1/getent.1.html
# A name that takes longer than LOOK_UP_S has no living task.
look_up() {
  local name answer address line rest others='' text='' left_s=$LOOK_UP_S
  local -A answers=() living=() last=()
  for name; do
    exec {answer}< <(exec getent -s hosts:dns ahostsv4 "$name" 2>/dev/null)
    answers[$name]=$answer
  done
  for name; do
    answer=${answers[$name]}
    read -r -t $left_s -u "$answer" "living[$name]" rest || { (($? <= 128)) || left_s=0.1; living[$name]=''; }
    exec {answer}<&-
  done
  while IFS= read -r line; do
    if [[ $line =~ ^([0-9.]+)\ ([^ ]+)\ #\ peer$ ]]; then
      last[${BASH_REMATCH[2]}]=${BASH_REMATCH[1]}
    else
      others+=$line$'\n'
    fi
  done </etc/hosts
  for name; do
    address=${living[$name]:-${last[$name]:-$NOWHERE}}
    [[ -n ${living[$name]} || " ${living[*]} " != *" $address "* ]] || address=$NOWHERE
    text+="$address $name # peer"$'\n'
  done
  [[ $others$text == "$(</etc/hosts)"$'\n' ]] || printf '%s%s' "$others" "$text" >/etc/hosts # a mount: it can't be replaced
}

# All peers, in the background, one look-up at a time.
look_up_later() {
  ! kill -0 "${LOOKING_UP:-}" 2>/dev/null || return 0
  look_up "${PEERS[@]}" &
  LOOKING_UP=$!
}
