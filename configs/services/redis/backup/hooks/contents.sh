#!/usr/bin/env bash
# What the scratch server holds: `db0`, number of keys, and a checksum over all databases.
# shellcheck source=configs/services/redis/backup/redis.sh
. "${BASH_SOURCE[0]%/*}/../redis.sh"

digest=$(scratch debug digest)
scratch info keyspace | awk -F'[:=,]' -v digest="$digest" '/^db[0-9]+:/ { print $1 "\t" $3 "\t" digest }'
