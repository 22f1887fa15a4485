#!/usr/bin/env bash
# Lets applications in again, whom a restore that was killed had shut out. 1: not yet on every member.
# shellcheck source=configs/services/redis/backup/redis.sh
. "${BASH_SOURCE[0]%/*}/../redis.sh"

as_user admin
app on || fail 1 "redis: waits for$WITHOUT, to let applications in again"
