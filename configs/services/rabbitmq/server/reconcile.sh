# shellcheck shell=bash disable=SC2154 # variables of the files that are sourced together
# After the start: makes what is declared (objects.yaml), by the management API; sourced. Nothing is ever deleted.

# reconcile: true when nothing is left to do.
reconcile() {
  serves || return
  if [[ ! -e $RUN/serving ]]; then
    : >"$MARKER"
    : >"$RUN/serving"
    log "serves"
  fi
  make_objects && when_all_run
}

# The members' own user has another password once the cookie changed.
serves() {
  api GET /api/whoami && return
  [[ $STATUS == 401 ]] || return
  log "the members' own user gets its password from the cookie"
  printf '%s' "$MEMBERS_PASSWORD" | rabbitmqctl --quiet change_password members
  return 1
}

make_objects() {
  local verb path rest file
  while read -r verb path rest; do
    case $verb in
      '') ;;
      USER)
        file=${rest%% *} rest=${rest#"${rest%% *}"}
        ensure_user "$path" "$file" "${rest# }" || return
        ;;
      *) api "$verb" "$path" "$rest" || refused "$verb $path" || return ;;
    esac
  done <"$HERE/objects"
}

# refused WHAT: true when trying again is of no use: what exists is otherwise than declared, and stays as it is.
refused() {
  [[ $STATUS == 4?? ]] || { log_once "$1: ${STATUS/#0/no answer}; tries again" && return 1; }
  log "$1: exists otherwise and stays so: $REPLY"
}

# ensure_user NAME SECRET TAGS: a password is sent only when it is another: by who is let in.
ensure_user() {
  local sign
  secret "$2" || return
  sign=$(authorization "$1" "$SECRET")
  if api GET /api/whoami '' "$sign" || [[ $REPLY == *'ot management user'* ]]; then
    api GET "/api/users/$1" && [[ $REPLY == *"\"tags\":[${3:+\"$3\"}]"* ]] && return
  fi
  api PUT "/api/users/$1" "{\"password\":\"$SECRET\",\"tags\":\"$3\"}" || refused "user $1" || return
  log "user $1: made, or its password or tags changed"
}

# when_all_run: what takes all members. Whoever starts last does it: features of a new version, leaders spread again.
# https://www.rabbitmq.com/docs/feature-flags#how-to-enable-feature-flags
when_all_run() {
  local name
  api GET '/api/nodes?columns=name,running' || return
  for name in "${MEMBER_NAMES[@]}"; do
    [[ $REPLY =~ \{[^}]*\"rabbit@$name\"[^}]*\} && ${BASH_REMATCH[0]} == *'"running":true'* ]] || return 0
  done
  rabbitmqctl --quiet enable_feature_flag all || return
  api POST /api/rebalance/queues || return
  log "all members run: objects are as declared, features are enabled, leaders are spread"
}
