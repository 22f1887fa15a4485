#!/usr/bin/env bash
# `redis` when the set holds data: a restore replaces all of it.
# shellcheck source=configs/services/redis/backup/redis.sh
. "${BASH_SOURCE[0]%/*}/../redis.sh"

as_user admin
find_leader
if holds_data; then echo redis; fi
