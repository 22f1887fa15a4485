# shellcheck shell=bash disable=SC2034,SC2153,SC2154  # some are used by the scripts that read this one
# Talking to MySQL. Passwords are in option files of this container's tmpfs, SQL goes in by stdin.
readonly DATA=/var/lib/mysql RUN=/var/run/mysqld SECRETS=/run/secrets CNF=/etc/mysql/member.cnf
readonly GROUP_NAME=7a1f0c52-6f0e-4c0e-9d57-1f2d6f5a9b10
ME=$HOSTNAME ASKED=0 ROWS=()

# quote TEXT: sets QUOTED to the text as it stands between the quotes of an SQL string or of an option file.
quote() {
  QUOTED=${1//\\/\\\\}
  QUOTED=${QUOTED//\'/\\\'}
}

# sql STATEMENT [SECONDS]: asks the server here as root; ROWS are the lines of the answer, tab-separated. 1 when the
# statement failed (ROWS tell why), or the server does not answer in time.
sql() {
  local end=$((SECONDS + ${2:-10})) mark="answered $((++ASKED))" failed=0
  ROWS=()
  [[ -n ${CLIENT[sql]:-} ]] ||
    client_start sql mysql --defaults-file="$RUN/root.cnf" -NBn --force --unbuffered || return
  client_say sql "$1;"$'\n'"SELECT '$mark';"
  while ((SECONDS <= end)) && client_hear sql $((end - SECONDS + 1)); do
    case $HEARD in
      "$mark") return "$failed" ;;
      "$CLIENT_ENDED" | "ERROR 20"[01]*) break ;;   # 2000 to 2019: no connection
      "ERROR "*) failed=1 ;;&
      *) ROWS+=("$HEARD") ;;
    esac
  done
  client_end sql
  return 1
}

# ask MEMBER SQL: prints what another member answers; 1 when it doesn't.
ask() {
  local file
  for file in "$RUN/repl.cnf" "$RUN/repl-previous.cnf"; do
    [[ -f $file ]] && timeout 4 mysql --defaults-file="$file" --host="$1" -NB <<<"$2" 2>/dev/null && return
  done
  return 1
}

# write_options: option files for root here and for repl_user elsewhere. Members that haven't been rolled yet still
# have the previous password of repl_user, so it is remembered.
write_options() {
  local known=$DATA/.repl_password
  secret mysql_root_password || return
  options root "$SECRET" "socket=$RUN/mysqld.sock" >"$RUN/root.cnf"
  secret mysql_repl_password || return
  if [[ -f $known && $(<"$known") != "$SECRET" ]]; then mv "$known" "$known.previous"; fi
  printf '%s' "$SECRET" >"$known"
  options repl_user "$SECRET" "$REMOTE" >"$RUN/repl.cnf"
  rm -f "$RUN/repl-previous.cnf"
  [[ ! -f $known.previous ]] || options repl_user "$(<"$known.previous")" "$REMOTE" >"$RUN/repl-previous.cnf"
}

readonly REMOTE="ssl-mode=VERIFY_IDENTITY
ssl-ca=$SECRETS/internal_ca_certificate
ssl-cert=$SECRETS/mysql_tls_certificate
ssl-key=$SECRETS/mysql_tls_key
connect-timeout=2"

options() {
  quote "$2"
  printf "[client]\nuser=%s\npassword='%s'\n%s\n" "$1" "$QUOTED" "$3"
}

# joining_password: prints what every member accepts now: the previous one while some haven't been rolled.
joining_password() {
  local member
  for member in "${MEMBER_NAMES[@]}"; do
    [[ $member == "$ME" ]] && continue
    if ! timeout 4 mysql --defaults-file="$RUN/repl.cnf" --host="$member" -NB <<<"SELECT 1" >/dev/null 2>&1 &&
      ask "$member" "SELECT 1" >/dev/null; then
      cat "$DATA/.repl_password.previous"
      return
    fi
  done
  cat "$DATA/.repl_password"
}
