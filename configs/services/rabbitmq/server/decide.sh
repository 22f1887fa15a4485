# shellcheck shell=bash disable=SC2034,SC2154 # variables of the files that are sourced together
# What a member does at its start: a pure function, sourced. Tried over all combinations by
# tests/decisions/test_rabbitmq_decisions.py.
#
# ME; MEMBER_NAMES, the founder first; HAS_DATA: this volume has been part of the cluster (yes or nothing);
# STATE[member] of each other one: data (its server runs or starts on a volume with data), empty (it waits, like this
# one), unknown (it can't be asked, and may have data).

# Sets ACTION to one line: start, found, join MEMBER, wait WHY. RabbitMQ by itself lets a member that finds nobody found
# a cluster of its own, which would be a second one whenever a member was emptied while the others can't be seen.
decide() {
  local name unknown=''
  ACTION=start
  [[ -z $HAS_DATA ]] || return 0
  for name in "${MEMBER_NAMES[@]}"; do
    [[ $name != "$ME" ]] || continue
    case ${STATE[$name]} in
      data)
        ACTION="join $name"
        return 0
        ;;
      unknown) unknown+=" $name" ;;
    esac
  done
  if [[ -n $unknown ]]; then
    ACTION="wait this volume is empty, and who may have data can't be asked:$unknown"
  elif [[ $ME == "${MEMBER_NAMES[0]}" ]]; then
    ACTION=found
  else
    ACTION="wait all members are empty: ${MEMBER_NAMES[0]} founds the cluster"
  fi
}
