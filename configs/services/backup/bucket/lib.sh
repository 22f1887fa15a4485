# shellcheck shell=dash disable=SC3040,SC2034  # BusyBox has pipefail; used by the scripts that read this one
# What the scripts share; sourced. Besides rclone the image has BusyBox alone.
set -euo pipefail
umask 077
BACKUPS=${BACKUPS:-/backups} SECRETS=${SECRETS:-/run/secrets} WORK=${WORK:-/tmp}
REMOTE=bucket:${BUCKET_NAME:-}${BUCKET_PREFIX:+/$BUCKET_PREFIX}
# One try each: the schedule comes again. https://rclone.org/docs/#environment-variables
export RCLONE_CONFIG="$WORK/rclone.conf" RCLONE_RETRIES=1 RCLONE_LOW_LEVEL_RETRIES=3 RCLONE_CONTIMEOUT=10s \
  RCLONE_TIMEOUT=60s RCLONE_TRANSFERS=8 RCLONE_BUFFER_SIZE=4M RCLONE_STATS=0
if [ -s "$WORK/ca.pem" ]; then export RCLONE_CA_CERT="$WORK/ca.pem"; fi

log() { printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" >&2; }

# fail CODE TEXT: the last line; 1 failed, 2 refused.
fail() { printf '%s\n' "$2" >&2; exit "$1"; }

# configure: settings checked, the keys into a file on the tmpfs.
configure() {
  case ${BUCKET_ENDPOINT:-} in https://?* | http://?*) ;; *) fail 1 "backup-bucket: BUCKET_ENDPOINT is no URL; write it as https://host[:port]" ;; esac
  [ -n "${BUCKET_NAME:-}" ] || fail 1 "backup-bucket: BUCKET_NAME is empty; name a bucket that exists"
  local name
  for name in BUCKET_EVERY_S BUCKET_KEEP BUCKET_KEEP_DAYS; do
    eval "case \${$name:-} in '' | 0* | *[!0-9]*) fail 1 \"backup-bucket: $name is no number above 0; correct it\" ;; esac"
  done
  rm -f "$WORK/ca.pem"
  case ${BUCKET_CA:-} in
    '') ;;
    internal) cat "$SECRETS/internal_ca_certificate" >"$WORK/ca.pem" ;;
    -----BEGIN*) printf '%s\n' "$BUCKET_CA" >"$WORK/ca.pem" ;;
    *) fail 1 "backup-bucket: BUCKET_CA is neither empty, nor internal, nor a PEM text; correct it" ;;
  esac
  remote >"$RCLONE_CONFIG"
}

# no_check_bucket: it is never made here, so a wrong name is a fault. https://rclone.org/s3/#s3-no-check-bucket
remote() {
  printf '[bucket]\ntype = s3\nprovider = %s\nendpoint = %s\nregion = %s\nforce_path_style = %s\nno_check_bucket = true\n' \
    "${BUCKET_PROVIDER:-Other}" "$BUCKET_ENDPOINT" "${BUCKET_REGION:-}" "${BUCKET_PATH_STYLE:-true}"
  printf 'access_key_id = %s\nsecret_access_key = %s\n' "$(key bucket_access_key)" "$(key bucket_secret_key)"
}

key() { tr -d '\r\n' <"$SECRETS/$1"; }

# s3 COMMAND…: rclone; why it failed is told in words, and ends the script.
s3() {
  rclone "$@" 2>"$WORK/report.$$" || fail 1 "backup-bucket: ${DATA:+$DATA: }$BUCKET_ENDPOINT $(words <"$WORK/report.$$")"
  rm -f "$WORK/report.$$"
}

# words: rclone's report on stdin as what to do.
words() {
  local report
  report=$(cat)
  case $report in
    *SignatureDoesNotMatch* | *InvalidAccessKeyId* | *AccessDenied* | *Forbidden* | *StatusCode:\ 403*)
      echo "refuses: bucket_access_key and bucket_secret_key are wrong, or may not do this; set them anew, then: make up" ;;
    *NoSuchBucket* | *"directory not found"*) echo "has no bucket $BUCKET_NAME; make it there, or correct BUCKET_NAME" ;;
    *x509* | *"tls: "* | *"server gave HTTP response"*) echo "can't be trusted: $(printf '%s\n' "$report" | grep -oE 'x509: .*|tls: .*|server gave .*' | tail -n 1); correct BUCKET_CA or BUCKET_ENDPOINT" ;;
    *"no such host"* | *"connection refused"* | *timeout* | *"deadline exceeded"* | *"no route to host"* | *unreachable*)
      echo "does not answer; correct BUCKET_ENDPOINT, or see whether this node reaches it" ;;
    *"no space left"*) echo "has more than the volume can take; make room on this node" ;;
    *) printf '%s\n' "$report" | tail -n 1 | sed -E 's,^[0-9/]+ [0-9:]+ ,,' ;;
  esac
}

# store DATA: the folder of its backups. Exits with 2 where none is mounted.
store() {
  case $1 in '' | *[!a-z0-9-]*) ;; *) if [ -d "$BACKUPS/$1" ]; then echo "$BACKUPS/$1"; return; fi ;; esac
  fail 2 "backup-bucket: has no backups of '$1'; of these: $(cd "$BACKUPS" && echo *)"
}

known_id() {
  printf '%s\n' "$1" | grep -qxE '[0-9]{8}T[0-9]{6}Z' || fail 2 "backup-bucket: '$1' is no backup's ID; see: python -m ops backups $2 --bucket"
}

# id_of SECONDS: since 1970, as an ID is written; seconds_of ID: back.
id_of() { date -u -d "@$1" +%Y%m%dT%H%M%SZ; }
seconds_of() { date -u -d "$(printf '%s\n' "$1" | sed -E 's/^(....)(..)(..)T(..)(..)(..)Z$/\1-\2-\3 \4:\5:\6/')" +%s; }
