# shellcheck shell=bash disable=SC2034  # some are used by the scripts that read this one
# Talking to members. Passwords are in option files of this container's tmpfs, SQL goes in by stdin.
readonly DATA=/var/lib/mysql RUN=/var/run/mysqld SECRETS=/run/secrets CNF=/etc/mysql/member.cnf
readonly GROUP_NAME=7a1f0c52-6f0e-4c0e-9d57-1f2d6f5a9b10
LIB=/usr/local/lib/mysql-member
read -ra MEMBERS <"$LIB/members"
ME=$HOSTNAME

log() { printf '%s [member] %s\n' "$(date -u +%FT%T.%3NZ)" "$*" >&2; }

# secret NAME: its value without line ends.
secret() { tr -d '\r\n' <"$SECRETS/$1"; }

# quoted TEXT: as it stands between the quotes of an SQL string or of an option file.
quoted() { sed "s/\\\\/\\\\\\\\/g; s/'/\\\\'/g" <<<"$1"; }

# write_options: option files for root here and for repl_user elsewhere. A password that was changed is
# still the old one on members that haven't been rolled yet, so the previous one is remembered.
write_options() {
  local repl known=$DATA/.repl_password
  repl=$(secret mysql_repl_password)
  if [[ -f $known && $(<"$known") != "$repl" ]]; then mv "$known" "$known.previous"; fi
  printf '%s' "$repl" >"$known"
  options root "$(secret mysql_root_password)" "socket=$RUN/mysqld.sock" >"$RUN/root.cnf"
  options repl_user "$repl" "$(remote)" >"$RUN/repl.cnf"
  rm -f "$RUN/repl-previous.cnf"
  [[ ! -f $known.previous ]] || options repl_user "$(<"$known.previous")" "$(remote)" >"$RUN/repl-previous.cnf"
}

remote() {
  printf 'ssl-mode=VERIFY_IDENTITY\nssl-ca=%s/internal_ca_certificate\nconnect-timeout=2\n' "$SECRETS"
  printf 'ssl-cert=%s/mysql_tls_certificate\nssl-key=%s/mysql_tls_key\n' "$SECRETS" "$SECRETS"
}

options() { printf "[client]\nuser=%s\npassword='%s'\n%s\n" "$1" "$(quoted "$2")" "$3"; }

# sql: runs stdin here as root, tab-separated, no heading.
sql() { timeout "${SQL_LIMIT_S:-20}" mysql --defaults-file="$RUN/root.cnf" -NB; }

# ask MEMBER SQL: asks a member; 1 when it doesn't answer.
ask() {
  local file
  if [[ $1 == "$ME" ]]; then sql <<<"$2" 2>/dev/null; return; fi
  for file in "$RUN/repl.cnf" "$RUN/repl-previous.cnf"; do
    [[ -f $file ]] && timeout 4 mysql --defaults-file="$file" --host="$1" -NB <<<"$2" 2>/dev/null && return
  done
  return 1
}

# joining_password: what every member accepts now: the previous one while some haven't been rolled.
joining_password() {
  local member
  for member in "${MEMBERS[@]}"; do
    [[ $member == "$ME" ]] && continue
    if ! timeout 4 mysql --defaults-file="$RUN/repl.cnf" --host="$member" -NB <<<"SELECT 1" >/dev/null 2>&1 &&
      ask "$member" "SELECT 1" >/dev/null; then
      cat "$DATA/.repl_password.previous"
      return
    fi
  done
  cat "$DATA/.repl_password"
}
