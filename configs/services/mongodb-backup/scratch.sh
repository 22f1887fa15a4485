# shellcheck shell=bash
# A mongod that nobody else reaches, and a dump restored into it. Sourced after lib.sh.

SCRATCH=$BACKUPS/.scratch
SOCKET=$SCRATCH/mongodb.sock # it listens on nothing else
export SCRATCH_URI="mongodb://${SOCKET//\//%2F}"

# Restores the dump as it was at its end (its oplog replayed); the tool's report goes to the file given.
fill_scratch() { # <folder of the backup> <report>
  rm -rf "$SCRATCH"
  mkdir "$SCRATCH"
  trap empty_scratch EXIT
  mongod --dbpath "$SCRATCH" --bind_ip "$SOCKET" --wiredTigerCacheSizeGB 0.25 >"$SCRATCH.log" 2>&1 &
  SCRATCH_PID=$!
  for _ in {1..60}; do
    [[ -S $SOCKET ]] && break
    kill -0 "$SCRATCH_PID" 2>/dev/null || die "the scratch server ended: $(tail -n 1 "$SCRATCH.log")"
    sleep 0.5
  done
  mongorestore --uri "$SCRATCH_URI" --archive="$1/dump.gz" --gzip --oplogReplay --stopOnError 2>"$2"
}

empty_scratch() {
  kill "$SCRATCH_PID" 2>/dev/null || true
  wait "$SCRATCH_PID" 2>/dev/null || true
  rm -rf "$SCRATCH" "$SCRATCH.log"
}

# Checksums of the files, a restore, and what came of it against the manifest. Says why not, with 1.
prove() { # <folder of the backup>
  local report=$BACKUPS/.report
  (cd "$1" && MANIFEST=manifest.json js files | sha256sum --check --quiet --strict -) >&2 ||
    { echo "a file is not what was written"; return 1; }
  fill_scratch "$1" "$report" || { echo "mongorestore: $(failure "$report")"; return 1; }
  MANIFEST=$1/manifest.json REPORT=$report js compare
}
