# shellcheck shell=bash
# A scratch server that nobody else can reach: a socket, no port. Sourced after common.sh.
# AT_EXIT: a command to run when the script ends, however it ends.
SCRATCH='' SCRATCH_PID='' AT_EXIT=:
trap '$AT_EXIT; drop_scratch' EXIT

scratch() { env -u REDISCLI_AUTH redis-cli -s "$SCRATCH/socket" "$@"; }

# load_scratch FILE.gz held|live: a server that has loaded the file. held: a replica of nobody, which keeps
# keys whose time is over, so that the same file always gives the same digest; live: they go.
load_scratch() {
  local role=()
  [[ $2 == live ]] || role=(--replicaof 127.0.0.1 1)
  drop_scratch
  SCRATCH=$(mktemp -d /backup/.scratch.XXXXXX)
  gzip -dc "$1" >"$SCRATCH/dump.rdb" || return 1
  redis-check-rdb "$SCRATCH/dump.rdb" >"$SCRATCH/check" 2>&1 || return 1
  chown -R redis:redis "$SCRATCH"
  (as_redis redis-server --port 0 --unixsocket "$SCRATCH/socket" --dir "$SCRATCH" --save '' --appendonly no \
    --enable-debug-command local "${role[@]}" >"$SCRATCH/log" 2>&1 9>&-) &
  SCRATCH_PID=$!
  until [[ $(scratch info persistence 2>/dev/null | field loading) == 0 ]]; do
    kill -0 "$SCRATCH_PID" 2>/dev/null || { tail -3 "$SCRATCH/log" >&2 && return 1; }
    sleep 0.2
  done
  # What redis-check-rdb counted in the file and what the server loaded must be the same.
  [[ $(sed -nE 's/.* ([0-9]+) keys read$/\1/p' "$SCRATCH/check") == "$(loaded_keys)" ]]
}

loaded_keys() {
  scratch info persistence | awk -F: '/^rdb_last_load_keys_(loaded|expired):/ { sum += $2 } END { print sum + 0 }'
}

drop_scratch() {
  [[ -n $SCRATCH ]] || return 0
  if [[ -n $SCRATCH_PID ]]; then
    kill "$SCRATCH_PID" 2>/dev/null || true
    wait "$SCRATCH_PID" 2>/dev/null || true
  fi
  rm -rf "$SCRATCH"
  SCRATCH='' SCRATCH_PID=''
}
