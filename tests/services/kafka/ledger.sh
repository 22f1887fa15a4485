#!/usr/bin/env bash
# A ledger in Kafka, by Kafka's own VerifiableProducer and VerifiableConsumer. Runs in a container of Kafka's image,
# on the members' network, with the secret kafka_app_password; needs bash, coreutils, sed, awk, Java.
#
#   ledger.sh publish TOPIC COUNT PER_SECOND   numbers from 0 on, acks=all; prints "NUMBER MILLISECONDS PARTITION" for
#                                              each acknowledged one, as it comes; gives one up after two minutes
#   ledger.sh check TOPIC <acknowledged        reads all back; prints "missing NUMBER", "twice NUMBER" and a sum; fails
#                                              when one is missing
# LEDGER: a number of this ledger's own, when the topic has others. SERVERS: host:port,…
set -euo pipefail
: "${SERVERS:=kafka-1:9092,kafka-2:9092,kafka-3:9092}" "${USER_NAME:=app}" "${LEDGER:=0}" "${IDLE_S:=15}" "${FIRST_WITHIN_S:=90}"

main() {
  WORK=$(mktemp -d)
  trap 'rm -rf "$WORK"' EXIT
  umask 077
  client_properties >"$WORK/client.properties"
  "$@"
}

# What every client should set (decision 0023): the address of a member that is gone swallows what is sent to it, and a
# producer that waits half a minute for a connection, or for an answer, asks nobody meanwhile who leads now.
client_properties() {
  local password
  IFS= read -r password <"/run/secrets/kafka_${USER_NAME}_password" || [[ -n $password ]]
  cat <<EOF
security.protocol=SASL_PLAINTEXT
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="$USER_NAME" password="$password";
socket.connection.setup.timeout.ms=2000
socket.connection.setup.timeout.max.ms=5000
request.timeout.ms=10000
EOF
}

# tool CLASS ARGUMENTS…: in place of this shell.
tool() {
  exec java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dsun.net.inetaddr.ttl=3 -cp '/opt/kafka/libs/*' \
    "org.apache.kafka.tools.$1" --bootstrap-server "$SERVERS" --command-config "$WORK/client.properties" "${@:2}" 2>&3
}

# Keys go round, so that every partition is written to all the time.
publish() {
  printf 'retries=2147483647\n' >>"$WORK/client.properties"
  { (tool VerifiableProducer --topic "$1" --max-messages "$2" --throughput "$3" --acks -1 --repeating-keys 24 \
    --value-prefix "$LEDGER") || true; } 3>&2 |
    sed -u -nE '/producer_send_success/{s/.*"timestamp":([0-9]+).*"value":"[0-9]+\.([0-9]+)".*"partition":([0-9]+).*/\2 \1 \3/p}
      /producer_send_error/w /dev/stderr'
}

# The consumer never ends by itself: it has read all once nothing came for IDLE_S.
check() {
  local consumer size=-1 now=0
  sort -u >"$WORK/acknowledged"
  mkfifo "$WORK/read"
  tool VerifiableConsumer --topic "$1" --group-id "$USER_NAME-ledger-$RANDOM" --reset-policy earliest --verbose \
    3>&2 >"$WORK/read" &
  consumer=$!
  sed -nuE '/"record_data"/s/.*"value":"([0-9]+)\.([0-9]+)".*/\1 \2/p' <"$WORK/read" >"$WORK/numbers" &
  until ((now == size && (now > 0 || SECONDS > FIRST_WITHIN_S))); do
    size=$now
    sleep "$IDLE_S"
    now=$(stat -c %s "$WORK/numbers")
  done
  kill "$consumer"
  wait || true
  awk -v ledger="$LEDGER" -v numbers="$WORK/numbers" 'FILENAME == numbers { read[$2] += $1 == ledger; next }
    !read[$1] { print "missing", $1; missing++ }
    read[$1] > 1 { print "twice", $1; twice++ }
    END { printf "acknowledged %d, missing %d, twice %d\n", FNR, missing, twice; exit missing > 0 }
  ' "$WORK/numbers" "$WORK/acknowledged"
}

main "$@"
