# shellcheck shell=bash disable=SC2034,SC2153,SC2154  # some are used by the scripts that read this one
# Talking to MySQL: one kept session for each server. Passwords are in option files of this container's tmpfs, SQL goes
# in by stdin.
readonly DATA=/var/lib/mysql RUN=/var/run/mysqld SECRETS=/run/secrets CNF=/etc/mysql/member.cnf
readonly GROUP_NAME=7a1f0c52-6f0e-4c0e-9d57-1f2d6f5a9b10
readonly REMOTE="ssl-mode=VERIFY_IDENTITY
ssl-ca=$SECRETS/internal_ca_certificate
ssl-cert=$SECRETS/mysql_tls_certificate
ssl-key=$SECRETS/mysql_tls_key
connect-timeout=2"
#: repl_user's password. Members that haven't been rolled yet still have the previous one, so it is remembered.
readonly REPL_PASSWORD=$DATA/.repl_password
declare -A LOGIN=()
ME=$HOSTNAME ASKED=0 ROWS=()

# sql STATEMENT [SECONDS]: asks the server here, as root.
sql() { ask "$ME" "$@"; }

# ask MEMBER STATEMENT [SECONDS]: ROWS are the lines of the answer, tab-separated. 1 when the statement failed (ROWS
# tell why), or the server does not answer in time. The session stays, and its locks with it, until client_end.
ask() {
  local end=$((SECONDS + ${3:-10})) mark="answered $((++ASKED))" failed=0
  [[ -n ${CLIENT[$1]:-} ]] || log_in "$1" || return
  ROWS=()
  client_say "$1" "$2;"$'\n'"SELECT '$mark';"
  while ((SECONDS <= end)) && client_hear "$1" $((end - SECONDS + 1)); do
    case $HEARD in
      "$mark") return "$failed" ;;
      "$CLIENT_ENDED" | "ERROR 20"[01]*) break ;;   # 2000 to 2019: no connection
      "ERROR "*) failed=1 ;;&
      *) ROWS+=("$HEARD") ;;
    esac
  done
  client_end "$1"
  return 1
}

# log_in MEMBER: here as root, elsewhere as repl_user; LOGIN[m] is the option file whose password m accepts.
log_in() {
  local file host=$1 files=("$RUN"/repl_password*.cnf)
  if [[ $1 == "$ME" ]]; then files=("$RUN/root.cnf") host=localhost; fi
  for file in "${files[@]}"; do
    LOGIN[$1]=$file
    client_start "$1" mysql --defaults-file="$file" --host="$host" -NBn --force && ask "$1" "DO 0" 4 && return
  done
  LOGIN[$1]=''
  return 1
}

# quote TEXT: sets QUOTED to the text as it stands between the quotes of an SQL string or of an option file.
quote() {
  QUOTED=${1//\\/\\\\}
  QUOTED=${QUOTED//\'/\\\'}
}

# options USER PASSWORD LINES: prints an option file.
options() {
  quote "$2"
  printf "[client]\nuser=%s\npassword='%s'\n%s\n" "$1" "$QUOTED" "$3"
}

write_options() {
  local file
  secret mysql_root_password || return
  options root "$SECRET" "socket=$RUN/mysqld.sock" >"$RUN/root.cnf"
  secret mysql_repl_password || return
  [[ ! -f $REPL_PASSWORD || $(<"$REPL_PASSWORD") == "$SECRET" ]] || mv "$REPL_PASSWORD" "$REPL_PASSWORD.previous"
  printf '%s' "$SECRET" >"$REPL_PASSWORD"
  for file in "$REPL_PASSWORD"*; do options repl_user "$(<"$file")" "$REMOTE" >"$RUN/${file##*/.}.cnf"; done
}

# quote_joining_password: sets QUOTED to what every member accepts now.
quote_joining_password() {
  local file=$REPL_PASSWORD
  [[ ${LOGIN[*]} != *previous* ]] || file+=.previous
  quote "$(<"$file")"
}
