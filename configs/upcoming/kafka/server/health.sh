#!/usr/bin/env bash
# Whether this member lives: its controller answers, or it waits for others before it makes its data folder.
[[ -e /tmp/waiting ]] || exec 3<>"/dev/tcp/$HOSTNAME/9093"
