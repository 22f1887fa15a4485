#!/usr/bin/env bash
# Makes the administrator and what `objects` declares, once after each start of a member; then it ends.
# The member is asked as a member, so no password is needed but the administrator's, to change it; so the one before is
# kept on the volume. Two members may do this at the same time: each looks before.
set -euo pipefail
cd /usr/local/lib/nacos
# shellcheck source=configs/lib/member.sh
. ./member.sh
# shellcheck source=configs/services/nacos/server/api.sh
. ./api.sh
umask 077

API_LIMIT_S=20
readonly HERE=127.0.0.1 KNOWN=/home/nacos/data/.admin_password

# administrator: there is none at the first start, and the first who asks becomes it. The answer has the password.
administrator() {
  local password
  secret nacos_admin_password || return
  password=$SECRET
  curl -sS -m "$API_LIMIT_S" -o /dev/null --data-urlencode "password@-" "http://$HERE:8848/nacos/v3/auth/user/admin" < <(printf %s "$password") || return
  if ! login nacos "$password"; then
    [[ -f $KNOWN ]] && login nacos "$(<"$KNOWN")" || return
    set_own_password nacos "$password" || return
    log "administrator: password changed"
  fi
  printf '%s\n' "$password" >"$KNOWN"
}

# set_own_password USER PASSWORD: with its TOKEN. Nobody may change another's, not even a member or the administrator.
set_own_password() {
  curl -sS -m "$API_LIMIT_S" -o /dev/null -f -X PUT -K <(printf 'header = "accessToken: %s"\n' "$TOKEN") \
    -d "username=$1" --data-urlencode "newPassword@-" "http://$HERE:8848/nacos/v3/auth/user" < <(printf %s "$2")
}

# user NAME SECRET: one whose password is refused is made anew; its rights, which are its role's, stay. A member refuses
# for some seconds what another one has just made.
user() {
  local password try
  secret "$2" || return
  password=$SECRET
  for try in 1 2 3 4 5 6; do
    login "$1" "$password" && return
    [[ $ANSWER == *'"status":'* ]] || return
    api $HERE "/v3/auth/user/list?pageNo=1&pageSize=1&search=accurate&username=$1" || return
    [[ $ANSWER == *'"username"'* ]] || break
    ((try == 6)) || read -r -t 5 -u "$NEVER" || true
  done
  [[ $ANSWER != *'"username"'* ]] || api $HERE "/v3/auth/user?username=$1" -X DELETE || return
  api $HERE /v3/auth/user -d "username=$1" --data-urlencode "password@-" < <(printf %s "$password") && log "user $1: made"
}

# permission USER RESOURCE ACTION: rights belong to roles; each user has the role of its own name.
permission() {
  api $HERE "/v3/auth/role/list?pageNo=1&pageSize=1&search=accurate&username=$1&role=$1" || return
  [[ $ANSWER == *'"role"'* ]] || api $HERE /v3/auth/role -d "role=$1" -d "username=$1" || return
  api $HERE /v3/auth/permission -G -d "role=$1" --data-urlencode "resource=$2" -d "action=$3" || return
  [[ $ANSWER == *'"data":true'* ]] && return
  api $HERE /v3/auth/permission -d "role=$1" --data-urlencode "resource=$2" -d "action=$3" && log "user $1: $3 on $2"
}

configuration() {
  local where=(-d "namespaceId=$1" -d "groupName=$2" --data-urlencode "dataId=$3")
  api $HERE /v3/admin/cs/config -G "${where[@]}" && return
  [[ $ANSWER == *'"code":20004'* ]] || return
  api $HERE /v3/admin/cs/config "${where[@]}" -d "type=$4" --data-urlencode "content@-" < <(printf '%s' "${*:5}") && log "configuration $3: made"
}

declare_all() {
  local words
  administrator || { WHAT=administrator; return 1; }
  while read -ra words; do
    case ${words[0]:-} in
      '') ;;
      user | permission | configuration) "${words[@]}" || { WHAT=${words[*]:0:2}; return 1; } ;;
      *) log "objects: ${words[0]} is unknown"; exit 1 ;;
    esac
  done <objects
}

main() {
  exec {NEVER}<> <(:)
  ANSWER='' TOKEN='' WHAT=''
  until api $HERE /v3/admin/core/state/liveness; do read -r -t 2 -u "$NEVER" || true; done
  until declare_all; do
    # The answer itself may hold a password's hash.
    if [[ $ANSWER != curl:* ]]; then ANSWER=''; fi
    log_once "$WHAT: not yet${ANSWER:+ ($ANSWER)}"
    read -r -t 5 -u "$NEVER" || true
  done
  log "users, rights and configurations are as declared"
}
main "$@" </dev/null
