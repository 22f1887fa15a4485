# shellcheck shell=bash disable=SC2034 # variables of the files that are sourced together
# The management API by builtins alone, over /dev/tcp; sourced. No process is started.
# https://www.rabbitmq.com/docs/http-api-reference
#
# The members' own user, `members`: its password comes from the cookie, so it is the same in every member while other
# passwords change one member after the other. Who has the cookie may do anything anyway.
readonly RUN=/run/rabbitmq API_PORT=15672 API_ANSWER_S=10
export LC_ALL=C # lengths are bytes

# make_credentials: once per start; starts processes.
make_credentials() {
  local digest rest
  secret rabbitmq_erlang_cookie || return
  read -r digest rest < <(printf 'members:%s' "$SECRET" | sha256sum)
  MEMBERS_PASSWORD=$digest
  authorization members "$digest" >"$RUN/authorization"
}

# authorization USER PASSWORD: prints the value of the header.
authorization() { printf 'Basic %s' "$(printf '%s:%s' "$1" "$2" | base64 -w0)"; }

# api METHOD PATH [BODY [AUTHORIZATION]]: this member's, or API_HOST's. Sets STATUS (0: no answer) and REPLY; true for 2xx.
api() {
  local fd line length=0 body=${3:-} sign=${4:-$(<"$RUN/authorization")}
  STATUS=0 REPLY=''
  { exec {fd}<>"/dev/tcp/${API_HOST:-127.0.0.1}/$API_PORT"; } 2>/dev/null || return
  printf '%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: %s\r\nContent-Length: %d\r\nContent-Type: application/json\r\n\r\n%s' \
    "$1" "$2" "$sign" "${#body}" "$body" 1>&"$fd" 2>/dev/null
  IFS=' ' read -r -t $API_ANSWER_S -u "$fd" line STATUS line || STATUS=0
  while IFS= read -r -t $API_ANSWER_S -u "$fd" line && [[ $line != $'\r' ]]; do
    [[ ${line,,} != content-length:* ]] || length=${line//[!0-9]/}
  done
  ((length == 0)) || IFS= read -r -t $API_ANSWER_S -N "$length" -u "$fd" REPLY || STATUS=0
  exec {fd}>&-
  [[ $STATUS == 2?? ]]
}

# field NAME: sets FIELD to a text, number or boolean of REPLY by its name; fails when it isn't there.
field() {
  FIELD=''
  [[ $REPLY =~ \"$1\":\"?([^\",}]*) ]] && FIELD=${BASH_REMATCH[1]}
}
