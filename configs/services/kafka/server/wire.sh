# shellcheck shell=bash disable=SC2034 # the scripts that source this file read its variables
# Asks a Kafka node by bash alone: no process, a few milliseconds. Sourced, after member.sh. Requests by number and
# version: https://kafka.apache.org/protocol.html. A "flexible" one has compact lengths and tagged fields.
#
#   login HOST PORT USER   connects (PLAIN, password kafka_<USER>_password)
#   ask_member             sets LEADER (id of the active controller or -1) and EPOCH (0: never saw a quorum)
#   ask_quorum             sets VOTERS: lines "id milliseconds-behind"
#   ask_partitions         sets BROKERS, how many live, and PARTITIONS: lines "topic-number replicas in-sync", ids with
#                          commas between and around
LC_ALL=C
trap '' PIPE   # a node that closes a connection is an answer that doesn't come
#: Requests and answers are kept in hexadecimal digits; AT is the place in ANSWER.
FD='' REQUEST='' ANSWER='' AT=0 NUMBER=0 TEXT=''
#: An answer takes milliseconds; a node that starts accepts connections before it answers.
readonly ANSWER_S=3

# put SIZE NUMBER…: appends numbers of SIZE bytes each.
put() {
  local size=$1 number
  for number in "${@:2}"; do printf -v TEXT '%016x' "$number" && REQUEST+=${TEXT: -$size * 2}; done
}

put_text() {
  local i
  for ((i = 0; i < ${#1}; i++)); do printf -v TEXT '%02x' "'${1:i:1}" && REQUEST+=$TEXT; done
}

# exchange KEY VERSION [flexible]: sends REQUEST with its header; ANSWER begins behind the answer's header.
exchange() {
  local body=${3:+00}$REQUEST
  REQUEST='' && put 4 $((10 + ${#body} / 2)) && put 2 "$1" "$2" && put 4 0 && put 2 -1
  bytes "$REQUEST$body"
  { printf %b "$TEXT" >&"$FD"; } 2>/dev/null && receive 4 && number 4 && receive "$NUMBER" || return
  AT=8
  [[ -z ${3:-} ]] || skip_tags
}

receive() {
  local i byte
  ANSWER='' AT=0
  for ((i = 0; i < $1; i++)); do
    IFS= read -r -d '' -n 1 -t $ANSWER_S -u "$FD" byte || return 1
    printf -v byte %02x "'$byte" && ANSWER+=${byte: -2}
  done
}

# bytes DIGITS: sets TEXT, for printf %b.
bytes() {
  local i
  TEXT=''
  for ((i = 0; i < ${#1}; i += 2)); do TEXT+="\\x${1:i:2}"; done
}

# number SIZE: the next number, signed.
number() {
  NUMBER=$((16#0${ANSWER:AT:$1 * 2}))
  ((AT += $1 * 2, $1 == 8 || NUMBER >> ($1 * 8 - 1) == 0 || (NUMBER -= 1 << $1 * 8)))
}

skip() { ((AT += 2 * $1)) || true; }

# length: a compact length, less one: of an array or a text; -1 is none at all.
length() {
  local shift=0 byte=128
  NUMBER=-1
  for (( ; byte & 128; shift += 7)); do byte=$((16#0${ANSWER:AT:2})) && skip 1 && ((NUMBER += (byte & 127) << shift, 1)); done
}

# skip_tags [TAG]: over tagged fields; TAGGED_AT is where the wanted one begins.
skip_tags() {
  local count tag
  TAGGED_AT=''
  length
  for ((count = NUMBER; count >= 0; count--)); do
    length && tag=$((NUMBER + 1)) && length
    [[ $tag != "${1:-}" ]] || TAGGED_AT=$AT
    skip $((NUMBER + 1))
  done
}

# text SIZE: the next text of so many bytes; less than nothing is none.
text() {
  bytes "${ANSWER:AT:$1 < 0 ? 0 : $1 * 2}" && printf -v TEXT %b "$TEXT"
  skip $(($1 < 0 ? 0 : $1))
}

ids() {
  local i count
  number 4
  count=$NUMBER TEXT=,
  for ((i = 0; i < count; i++)); do number 4 && TEXT+=$NUMBER,; done
}

login() {
  [[ -z $FD ]] || exec {FD}>&-
  FD=''
  secret "kafka_$3_password" && { exec {FD}<>"/dev/tcp/$1/$2"; } 2>/dev/null || return
  REQUEST='' && put 2 5 && put_text PLAIN
  exchange 17 1 && number 2 && ((NUMBER == 0)) || return
  REQUEST='' && put 4 $((${#3} + ${#SECRET} + 2)) && put 1 0 && put_text "$3" && put 1 0 && put_text "$SECRET"
  exchange 36 1 && number 2 && ((NUMBER == 0))
}

# A fetch of the metadata log in epoch 0: every node refuses it and says the epoch and leader that it knows.
ask_member() {
  REQUEST='' LEADER=-1 EPOCH=''
  put 4 -1 0 0 1 && put 1 0 && put 4 0 -1 && put 1 2 && put 8 0 1 && put 1 2   # one topic, by its well-known id
  put 4 0 0 && put 8 0 && put 4 0 && put 8 -1 && put 4 1 && put 1 0 0 1 1 0   # its one partition
  exchange 1 13 flexible && skip 10   # throttle time, error, session
  length && ((NUMBER == 1)) && skip 16 && length && ((NUMBER == 1)) && skip 30 || return   # number, error, offsets
  length && ((NUMBER <= 0)) && skip 4 && length && skip $((NUMBER < 0 ? 0 : NUMBER)) && skip_tags 1 || return
  AT=$TAGGED_AT && [[ -n $AT ]] && number 4 && LEADER=$NUMBER && number 4 && EPOCH=$NUMBER
}

ask_quorum() {
  local topic=__cluster_metadata count now_ms='' name behind=()
  REQUEST='' VOTERS=''
  put 1 2 $((${#topic} + 1)) && put_text $topic && put 1 2 && put 4 0 && put 1 0 0 0
  exchange 55 1 flexible && number 2 && ((NUMBER == 0)) && length && ((NUMBER == 1)) || return
  length && skip "$NUMBER" && length && ((NUMBER == 1)) && skip 4 && number 2 && ((NUMBER == 0)) || return
  number 4 && LEADER=$NUMBER && skip 12 && length   # epoch, high watermark
  for ((count = NUMBER; count > 0; count--)); do
    number 4 && name=$NUMBER && skip 16 && number 8 && behind[name]=$NUMBER && skip_tags
  done
  now_ms=${behind[LEADER]:-} && [[ -n $now_ms ]] || return
  for name in "${!behind[@]}"; do VOTERS+="$name $((now_ms - behind[name]))"$'\n'; done
}

ask_partitions() {
  local count partitions topic name replicas
  REQUEST='' PARTITIONS=''
  put 4 -1 && put 1 0   # all topics; none is made by asking
  exchange 3 7 && skip 4 && number 4 && BROKERS=$NUMBER || return
  for ((count = BROKERS; count > 0; count--)); do   # id, host, port, rack
    skip 4 && number 2 && skip $((NUMBER + 4)) && number 2 && text "$NUMBER"
  done
  number 2 && text "$NUMBER" && skip 4 && number 4
  for ((count = NUMBER; count > 0; count--)); do
    skip 2 && number 2 && text "$NUMBER" && topic=$TEXT && skip 1 && number 4
    for ((partitions = NUMBER; partitions > 0; partitions--)); do
      skip 2 && number 4 && name=$topic-$NUMBER && skip 8 && ids && replicas=$TEXT && ids
      PARTITIONS+="$name $replicas $TEXT"$'\n'
      ids
    done
  done
}
