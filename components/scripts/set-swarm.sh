#!/usr/bin/env bash
# Settings of the whole swarm. Runs on a manager.
# Inputs: TASK_HISTORY_LIMIT (finished tasks kept per slot).
# Result: task-history-limit <n>
set -euo pipefail

main() {
  need TASK_HISTORY_LIMIT
  need_manager
  if [[ ${HOST[history_limit]} != "$TASK_HISTORY_LIMIT" ]]; then
    docker swarm update --task-history-limit "$TASK_HISTORY_LIMIT" >/dev/null
    need_manager
  fi
  [[ ${HOST[history_limit]} == "$TASK_HISTORY_LIMIT" ]] || fail "${HOST[name]}" \
    "the swarm's task history limit stays ${HOST[history_limit]}" "see: docker swarm update --help"
  printf 'task-history-limit %s\n' "$TASK_HISTORY_LIMIT"
}

main "$@" </dev/null
