#!/usr/bin/env bash
# Prints PRIMARY, SECONDARY or NONE: what the mongod of this container says of itself, by `isMaster`, which needs no login.
# mongosh would take a second to start. https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/#op_msg
set -euo pipefail

main() {
  exec 3<>/dev/tcp/127.0.0.1/27017
  # 55 bytes, request 1, OP_MSG (2013), no flags, one document of 34 bytes: {isMaster: 1, $db: "admin"}
  # shellcheck disable=SC2016  # the name of a field
  printf '\x37\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x22\0\0\0\x10isMaster\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0' >&3
  # A field of type boolean that is true: 8, its name, 0, 1. https://bsonspec.org/spec.html
  case $(timeout 3 dd bs=65536 count=1 status=none <&3 | tr '\0\1\10' '01B' | tr -cd '[:alnum:]') in
    *Bismaster01*) echo PRIMARY ;;
    *Bsecondary01*) echo SECONDARY ;;
    *) echo NONE ;;
  esac
}

main "$@" </dev/null
