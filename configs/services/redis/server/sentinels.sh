# shellcheck shell=bash disable=SC2034,SC2153 # variables of the files that are sourced together
# What the Sentinels say; sourced, after peers.sh. SENTINELS and MEMBERS_OF_SET are the names.
read -ra SENTINELS <<<"${REDIS_SENTINEL_MEMBERS:-}"
read -ra MEMBERS_OF_SET <<<"${REDIS_MEMBERS:-}"

# Sets PEERS: all of the set but this one.
peers() {
  local name
  PEERS=()
  for name in "${MEMBERS_OF_SET[@]}" "${SENTINELS[@]}"; do [[ $name == "$HOSTNAME" ]] || PEERS+=("$name"); done
}

majority() { (($1 * 2 > ${#SENTINELS[@]})); }

# Asks every Sentinel but this one. Sets ANSWERED (how many answered), MASTER (by the highest configuration
# epoch, EPOCH, to which all Sentinels converge; empty: none of them knows one), AGREED (how many name that
# one), STABLE (yes: none of them sees its master down, or is replacing it). The address is asked for after the
# epoch, and by the command that names the promoted replica as soon as it leads: SENTINEL MASTER names the old
# one longer.
query_sentinels() {
  local name names=()
  local -A masters=()
  ANSWERED=0 MASTER='' EPOCH=-1 AGREED=0 STABLE=yes NAMED=' '
  for name in "${SENTINELS[@]}"; do [[ $name == "$HOSTNAME" ]] || names+=("$name"); done
  ask_peers "${names[@]}" -- sentinel master "$MASTER_NAME"
  for name in "${!REPLY_OF[@]}"; do masters[$name]=${REPLY_OF[$name]}; done
  ask_peers "${names[@]}" -- sentinel get-master-addr-by-name "$MASTER_NAME"
  for name in "${names[@]}"; do
    [[ -z ${masters[$name]:-} || -z ${REPLY_OF[$name]:-} ]] || count_sentinel "${masters[$name]}" "${REPLY_OF[$name]}"
  done
  for name in $NAMED; do [[ $name != "$MASTER" ]] || ((++AGREED)); done
}

count_sentinel() {
  local epoch
  case $1 in
    *'No such master'*) ((++ANSWERED)) && return ;;
    'name '*) ((++ANSWERED)) ;;
    *) return ;; # still starting: no answer
  esac
  field 'config-epoch ' "$1" && epoch=$FIELD
  field 'flags ' "$1"
  [[ $FIELD == master ]] || STABLE=''
  NAMED+="${2%% *} "
  ((epoch <= EPOCH)) || EPOCH=$epoch MASTER=${2%% *}
}

# Asks the other members. Sets SAID[member] to INFO replication, and PRIMARIES to those that say that they lead.
query_members() {
  local name names=()
  PRIMARIES=''
  declare -gA SAID=()
  for name in "${MEMBERS_OF_SET[@]}"; do [[ $name == "$HOSTNAME" ]] || names+=("$name"); done
  ask_peers "${names[@]}" -- info replication
  for name in "${names[@]}"; do
    [[ -n ${REPLY_OF[$name]:-} ]] || continue
    SAID[$name]=${REPLY_OF[$name]}
    field role: "${SAID[$name]}"
    [[ $FIELD != master ]] || PRIMARIES+="${PRIMARIES:+ }$name"
  done
}
