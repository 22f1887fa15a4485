# shellcheck shell=bash disable=SC2154
# Accounts, as SQL that mysqld runs at every start before it opens a port (--init-file). Not in the binary
# log, so each member has them by itself; the same statements again change nothing. One statement a line.

# initial_sql: prints it. RETAIN keeps a changed password's predecessor valid until the next start, so that members
# and applications can be rolled one after the other.
initial_sql() {
  echo "SET sql_log_bin = 0;"
  echo "SET GLOBAL super_read_only = OFF;"
  secret mysql_root_password && quote "$SECRET" || return
  echo "ALTER USER root@localhost IDENTIFIED BY '$QUOTED';"
  account repl_user mysql_repl_password "REQUIRE X509" || return
  echo "GRANT REPLICATION SLAVE, CONNECTION_ADMIN, BACKUP_ADMIN, GROUP_REPLICATION_STREAM ON *.* TO repl_user;"
  echo "GRANT SELECT ON performance_schema.* TO repl_user;"
  account exporter mysql_exporter_password "REQUIRE SSL WITH MAX_USER_CONNECTIONS 5" || return
  echo "GRANT PROCESS, REPLICATION CLIENT ON *.* TO exporter;"
  echo "GRANT SELECT ON performance_schema.* TO exporter;"
  account backup mysql_backup_password "REQUIRE SSL" || return
  echo "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, RELOAD, PROCESS, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO backup;"
  account restore mysql_restore_password "REQUIRE SSL" || return
  echo "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, LOCK TABLES, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, TRIGGER, EVENT ON *.* TO restore;"
  echo "GRANT SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER, SESSION_VARIABLES_ADMIN ON *.* TO restore;"
  account "$DATABASE" mysql_app_password "REQUIRE SSL" || return
  echo "GRANT ALL ON \`$DATABASE\`.* TO '$DATABASE';"
  database_users || return
  echo "SET GLOBAL super_read_only = ON;"
}

# database_users: of the databases that other services declare on this one. A database is made by its user of rights `schema`.
database_users() {
  local name user password rights grants
  while read -r name user password rights; do
    [[ $name != '#'* ]] || continue
    account "$user" "$password" "REQUIRE SSL" || return
    grants="SELECT, INSERT, UPDATE, DELETE"
    [[ $rights == data ]] || grants+=", CREATE, ALTER, DROP, INDEX, REFERENCES"
    echo "GRANT $grants ON \`${name//_/\\_}\`.* TO '$user';"
  done <databases
}

# account NAME SECRET REQUIREMENTS
account() {
  secret "$2" && quote "$SECRET" || return
  echo "CREATE USER IF NOT EXISTS '$1' IDENTIFIED BY '$QUOTED' $3;"
  echo "ALTER USER '$1' IDENTIFIED BY '$QUOTED' RETAIN CURRENT PASSWORD $3;"
}
