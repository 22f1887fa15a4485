# shellcheck shell=bash disable=SC2034 # the scripts that source this file read its variables
# Asks a Kafka node by bash alone: no process, a few milliseconds. Sourced, after member.sh. Numbers and versions of
# requests: https://kafka.apache.org/protocol.html. A version that is "flexible" has compact lengths and tagged fields.
#
#   login HOST PORT USER   connects (PLAIN, password kafka_<USER>_password); ends the connection before
#   ask_member             sets LEADER (id of the active controller or -1) and EPOCH (0: never saw a quorum)
#   ask_quorum             sets VOTERS: lines "id milliseconds-behind"
#   ask_partitions         sets BROKERS, how many live, and PARTITIONS: lines "topic-number replicas in-sync", ids with commas between and around
LC_ALL=C
trap '' PIPE   # a node that closes a connection is an answer that doesn't come
FD='' REQUEST='' BYTES=() AT=0 NUMBER=0 TEXT=''
#: An answer takes milliseconds; a node that starts accepts connections before it answers.
readonly ANSWER_S=3

# put SIZE NUMBER: appends a number of SIZE bytes, as hexadecimal digits.
put() {
  local digits
  printf -v digits '%016x' "$2"
  REQUEST+=${digits: -$1 * 2}
}

put_text() {
  local i digits
  for ((i = 0; i < ${#1}; i++)); do
    printf -v digits '%02x' "'${1:i:1}"
    REQUEST+=$digits
  done
}

# exchange KEY VERSION [flexible]: sends REQUEST with its header; BYTES is the answer, AT behind the answer's header.
exchange() {
  local body=$REQUEST sent='' i
  REQUEST=''
  put 2 "$1" && put 2 "$2" && put 4 0 && put 2 -1
  REQUEST+=${3:+00}$body
  body=$REQUEST REQUEST=''
  put 4 $((${#body} / 2))
  body=$REQUEST$body REQUEST=''
  for ((i = 0; i < ${#body}; i += 2)); do sent+="\\x${body:i:2}"; done
  # shellcheck disable=SC2059 # the format is the bytes
  { printf "$sent" >&"$FD"; } 2>/dev/null && receive 4 && number 4 && receive "$NUMBER" || return
  AT=4
  [[ -z ${3:-} ]] || skip_tags
}

receive() {
  local i byte
  BYTES=() AT=0
  for ((i = 0; i < $1; i++)); do
    IFS= read -r -d '' -n 1 -t $ANSWER_S -u "$FD" byte || return 1
    printf -v "BYTES[$i]" %d "'$byte"
    ((BYTES[i] &= 255)) || true
  done
}

# number SIZE: the next number, signed.
number() {
  local end=$((AT + $1))
  NUMBER=0
  while ((AT < end)); do NUMBER=$((NUMBER << 8 | BYTES[AT++])); done
  (($1 == 8 || NUMBER >> ($1 * 8 - 1) == 0)) || NUMBER=$((NUMBER - (1 << $1 * 8)))
}

# length: a compact length, less one: of an array or a text; -1 is none at all.
length() {
  local shift=0
  NUMBER=0
  while ((BYTES[AT] & 128)); do ((NUMBER |= (BYTES[AT++] & 127) << shift, shift += 7)) || true; done
  ((NUMBER = (NUMBER | BYTES[AT++] << shift) - 1)) || true
}

# skip_tags [TAG]: over tagged fields; TAGGED_AT is where the wanted one begins.
skip_tags() {
  local count tag
  TAGGED_AT=''
  length && count=$((NUMBER + 1))
  for (( ; count > 0; count--)); do
    length && tag=$((NUMBER + 1)) && length
    [[ $tag != "${1:-}" ]] || TAGGED_AT=$AT
    ((AT += NUMBER + 1))
  done
}

# text SIZE: the next text of so many bytes; less than nothing is none.
text() {
  local i char
  TEXT=''
  for ((i = 0; i < $1; i++)); do
    printf -v char '%03o' "${BYTES[AT++]}"
    printf -v char '%b' "\\0$char"
    TEXT+=$char
  done
}

ids() {
  local i count
  number 4
  count=$NUMBER TEXT=,
  for ((i = 0; i < count; i++)); do number 4 && TEXT+=$NUMBER,; done
}

login() {
  local mechanism=PLAIN
  [[ -z $FD ]] || exec {FD}>&-
  FD=''
  secret "kafka_$3_password" || return
  { exec {FD}<>"/dev/tcp/$1/$2"; } 2>/dev/null || { FD=''; return 1; }
  REQUEST='' && put 2 ${#mechanism} && put_text $mechanism
  exchange 17 1 && number 2 && ((NUMBER == 0)) || return
  REQUEST='' && put 4 $((${#3} + ${#SECRET} + 2)) && put 1 0 && put_text "$3" && put 1 0 && put_text "$SECRET"
  exchange 36 1 && number 2 && ((NUMBER == 0))
}

# A fetch of the metadata log in epoch 0: every node refuses it and says the epoch and leader that it knows.
ask_member() {
  REQUEST='' LEADER=-1 EPOCH=''
  put 4 -1 && put 4 0 && put 4 0 && put 4 1 && put 1 0 && put 4 0 && put 4 -1   # replica, wait, bytes, session
  put 1 2 && put 8 0 && put 8 1 && put 1 2   # one topic, by its well-known id, one partition
  put 4 0 && put 4 0 && put 8 0 && put 4 0 && put 8 -1 && put 4 1   # number, epoch, offset, epoch, start, bytes
  put 1 0 && put 1 0 && put 1 1 && put 1 1 && put 1 0
  exchange 1 13 flexible || return
  ((AT += 10))   # throttle time, error, session
  length && ((NUMBER == 1)) || return
  ((AT += 16))
  length && ((NUMBER == 1)) || return
  ((AT += 30))   # number, error, three offsets
  length && ((NUMBER <= 0)) || return
  ((AT += 4))
  length && ((AT += NUMBER < 0 ? 0 : NUMBER, 1))   # records
  skip_tags 1
  AT=${TAGGED_AT:-} && [[ -n $AT ]] || return
  number 4 && LEADER=$NUMBER && number 4 && EPOCH=$NUMBER
}

ask_quorum() {
  local topic=__cluster_metadata count now_ms='' name behind=()
  REQUEST='' VOTERS=''
  put 1 2 && put 1 $((${#topic} + 1)) && put_text $topic && put 1 2 && put 4 0 && put 1 0 && put 1 0 && put 1 0
  exchange 55 1 flexible && number 2 && ((NUMBER == 0)) || return
  length && ((NUMBER == 1)) || return
  length && ((AT += NUMBER, 1)) && length && ((AT += 4, NUMBER == 1)) || return
  number 2 && ((NUMBER == 0)) && number 4 && LEADER=$NUMBER || return
  ((AT += 12))   # epoch, high watermark
  length && count=$NUMBER
  for (( ; count > 0; count--)); do
    number 4 && name=$NUMBER && ((AT += 16)) && number 8 && behind[name]=$NUMBER && skip_tags
  done
  now_ms=${behind[LEADER]:-} && [[ -n $now_ms ]] || return
  for name in "${!behind[@]}"; do VOTERS+="$name $((now_ms - behind[name]))"$'\n'; done
}

ask_partitions() {
  local topics partitions topic name replicas
  REQUEST='' PARTITIONS=''
  put 4 -1 && put 1 0   # all topics; none is made by asking
  exchange 3 7 || return
  ((AT += 4))
  number 4 && topics=$NUMBER && BROKERS=$NUMBER
  for (( ; topics > 0; topics--)); do   # brokers: id, host, port, rack
    ((AT += 4)) && number 2 && ((AT += NUMBER + 4)) && number 2 && ((AT += NUMBER < 0 ? 0 : NUMBER, 1))
  done
  number 2 && ((AT += (NUMBER < 0 ? 0 : NUMBER) + 4))
  number 4 && topics=$NUMBER
  for (( ; topics > 0; topics--)); do
    number 2 && number 2 && text "$NUMBER" && topic=$TEXT && ((AT += 1)) && number 4 && partitions=$NUMBER
    for (( ; partitions > 0; partitions--)); do
      ((AT += 2)) && number 4 && name=$topic-$NUMBER && ((AT += 8)) && ids && replicas=$TEXT && ids
      PARTITIONS+="$name $replicas $TEXT"$'\n'
      ids
    done
  done
}
