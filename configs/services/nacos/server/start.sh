#!/usr/bin/env bash
# PID 1 of a member: writes what Nacos reads, runs it, and declares users and settings once it answers.
# Not the image's own start script: that one prints the token key (set -x). https://github.com/nacos-group/nacos-docker
# Needs what the official image has: bash, curl, a JRE with keytool.
# Inputs: those of member.sh, files of /run/secrets.
set -euo pipefail
umask 077
cd /usr/local/lib/nacos
# shellcheck source=configs/lib/member.sh
. ./member.sh
for part in api decide stop; do
  # shellcheck source=/dev/null
  . "./$part.sh"
done

readonly RUN=/run/nacos DATA=/home/nacos/data
readonly SECRETS=(nacos_database_password nacos_identity nacos_token_key)

write_properties() {
  local text name
  text=$(<application.properties)
  for name in "${SECRETS[@]}"; do
    secret "$name"
    text=${text//"@$name@"/"$SECRET"}
  done
  printf '%s\n' "$text" >"$RUN/application.properties"
}

# write_authorities: the JVM takes no PEM. The store holds a public certificate, so its password is none.
write_authorities() {
  rm -f "$RUN/authorities.p12"
  "${JAVA_HOME:+$JAVA_HOME/bin/}keytool" -J-Xmx32m -importcert -noprompt -alias internal -file /run/secrets/internal_ca_certificate \
    -keystore "$RUN/authorities.p12" -storetype PKCS12 -storepass public 2>/dev/null
}

# await_database: Nacos ends when it finds no database at its start, half a minute of CPU later. MySQL speaks first, and its
# router answers only when it knows a writer.
await_database() {
  local never
  exec {never}<> <(:)
  until read -r -t 10 -N 6 < <(exec 3<>/dev/tcp/mysql/3306 && head -c 16 <&3 | tr -d '\0') 2>/dev/null; do
    [[ -z $LEAVING ]] || exit 0
    log_once "waits for MySQL's writer"
    read -r -t 2 -u "$never" || true
  done
  exec {never}>&-
}

# run_server: RocksDB and Netty unpack libraries below DATA/tmp, which must be executable.
run_server() {
  rm -rf "$DATA/tmp"
  mkdir -p "$DATA/tmp"
  cd /home/nacos
  "${JAVA_HOME:+$JAVA_HOME/bin/}java" @/usr/local/lib/nacos/java.options -jar target/nacos-server.jar --logging.config=/usr/local/lib/nacos/logback.xml \
    --spring.config.additional-location="file:$RUN/" --spring.config.name=application --spring.main.banner-mode=off --server.max-http-request-header-size=524288 &
  SERVER=$!
}

# watch_server: nothing to do while it runs. `wait` ends on a signal, too.
watch_server() {
  local code=0
  while kill -0 "$SERVER" 2>/dev/null; do
    if [[ -n $LEAVING ]]; then
      LEAVING='' leave
    fi
    code=0
    wait "$SERVER" || code=$?
  done
  log "Nacos has ended with $code"
  exit "$code"
}

main() {
  member_begin "$RUN"
  own_volume "$DATA" || exit 0
  write_properties
  write_authorities
  await_database
  run_server
  bash /usr/local/lib/nacos/declare.sh &
  watch_server
}
main "$@" </dev/null
