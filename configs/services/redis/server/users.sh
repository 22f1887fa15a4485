# shellcheck shell=bash
# Who may do what, as Redis reads it from an ACL file; passwords only as digests. Sourced.

# ACL files hold SHA-256 digests. https://redis.io/docs/latest/commands/acl-setuser/
digest_of() {
  secret "$1" || return
  printf %s "$SECRET" | sha256sum | cut -d' ' -f1
}

# Members. The default user, whom a client is before it names itself, is off.
# sentinel: https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/
# replica: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
# app: neither administration nor what stalls everybody (KEYS, FLUSHALL …), but what drivers need.
member_users() {
  cat <<EOF
user default reset off
user admin reset on #$(digest_of redis_admin_password) ~* &* +@all
user app reset on #$(digest_of redis_app_password) ~* &* +@all -@admin -@dangerous +info +role +wait +waitaof
user replica reset on #$(digest_of redis_replica_password) +psync +replconf +ping
user sentinel reset on #$(digest_of redis_sentinel_password) &* +multi +slaveof +ping +exec +subscribe +config|rewrite +role +publish +info +client|setname +client|kill +script|kill
user exporter reset on #$(digest_of redis_exporter_password) +ping +info +select +client|setname +latency|latest +latency|histogram +slowlog|len +slowlog|get
user backup reset on #$(digest_of redis_backup_password) +ping +info +role +sync +psync +replconf
EOF
}

# Sentinels. app: what a driver asks to find the master; exporter: what it reads.
sentinel_users() {
  cat <<EOF
user default reset off
user admin reset on #$(digest_of redis_admin_password) ~* &* +@all
user app reset on #$(digest_of redis_app_password) &* +ping +info +role +subscribe +psubscribe +unsubscribe +punsubscribe +client|setname +client|setinfo +client|id +sentinel|get-master-addr-by-name +sentinel|master +sentinel|masters +sentinel|replicas +sentinel|slaves +sentinel|sentinels
user sentinel reset on #$(digest_of redis_sentinel_password) &* +ping +info +publish +subscribe +client|setname +sentinel|is-master-down-by-addr
user exporter reset on #$(digest_of redis_exporter_password) +ping +info +client|setname +sentinel|masters +sentinel|master +sentinel|replicas +sentinel|slaves +sentinel|sentinels +sentinel|ckquorum
user backup reset on #$(digest_of redis_backup_password) +ping +sentinel|master
EOF
}
