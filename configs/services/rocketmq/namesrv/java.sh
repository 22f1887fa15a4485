# shellcheck shell=bash disable=SC2034  # the scripts that source this file read them
# shellcheck disable=SC2015
# The Java process of a name server or broker, as user rocketmq of the image; sourced by both parts.
# MEMORY_MIB (memory.env): the service's limit. Options are those of Java 8, which the official image has.
readonly STORE=/home/rocketmq/store RUN=/run/rocketmq OWNER=3000:3000
SERVER=''

# begin_member: a volume is root's own until its first use; the configuration with its secrets stays in memory.
begin_member() {
  umask 077
  member_begin $RUN || return
  chown $OWNER $RUN && own_volume $STORE || return
  [[ $(stat -c %u:%g $STORE) == "$OWNER" ]] || chown -R $OWNER $STORE
}

# start_java CLASS HEAP_PERCENT DIRECT_PERCENT OPTION…: sets SERVER. Its end is an event.
start_java() {
  local class=$1 heap=$((MEMORY_MIB * $2 / 100)) direct=$((MEMORY_MIB * $3 / 100)) log_fd
  shift 3
  exec {log_fd}> >(pass_log 'OutOfMemoryError')
  # Addresses of names are kept for a second, as a member's changes with each task.
  (exec 9>&- && cd /tmp && exec setpriv --reuid 3000 --regid 3000 --clear-groups java -server "-Xms${heap}m" "-Xmx${heap}m" \
    "-XX:MaxDirectMemorySize=${direct}m" -Xss256k -XX:+UseSerialGC -XX:ReservedCodeCacheSize=48m -XX:+ExitOnOutOfMemoryError \
    -XX:-UseBiasedLocking -Djava.net.preferIPv4Stack=true -Dsun.net.inetaddr.ttl=1 -Dsun.net.inetaddr.negative.ttl=0 \
    -Dcom.rocketmq.remoting.client.connect.timeout=1000 -Duser.home=/home/rocketmq -Drmq.logback.configurationFile=/etc/rocketmq/logback.xml \
    -cp "$RUN/classes:$ROCKETMQ_HOME/conf:$ROCKETMQ_HOME/lib/*" "$class" "$@" >&"$log_fd" 2>&1) &
  SERVER=$!
  exec {log_fd}>&-
}

# stop_java: in good order; the engine kills what is left when STOP_GRACE_S is over.
stop_java() {
  kill -TERM "$SERVER" 2>/dev/null
  wait "$SERVER"
}

# await_ready SECONDS: until ready-to-stop says yes.
await_ready() {
  local end=$((SECONDS + $1)) reason
  until reason=$(bash "$HERE/ready-to-stop" 2>&1); do
    log_once "waits with its stop: $reason"
    ((SECONDS < end)) && kill -0 "$SERVER" 2>/dev/null || return 1
    read -r -t 1 -u "$EVENTS" || true
  done
}
