# shellcheck shell=bash
# Accounts, as SQL that mysqld runs at every start before it opens a port (--init-file). Not in the binary
# log, so each member has them by itself; the same statements again change nothing. One statement a line.

# initial_sql: RETAIN keeps a changed password's predecessor valid until the next start, so that members
# and applications can be rolled one after the other.
initial_sql() {
  echo "SET sql_log_bin = 0;"
  echo "SET GLOBAL super_read_only = OFF;"
  echo "ALTER USER root@localhost IDENTIFIED BY '$(quoted "$(secret mysql_root_password)")';"
  account repl_user mysql_repl_password "REQUIRE X509"
  echo "GRANT REPLICATION SLAVE, CONNECTION_ADMIN, BACKUP_ADMIN, GROUP_REPLICATION_STREAM ON *.* TO repl_user;"
  echo "GRANT SELECT ON performance_schema.* TO repl_user;"
  account exporter mysql_exporter_password "REQUIRE SSL WITH MAX_USER_CONNECTIONS 5"
  echo "GRANT PROCESS, REPLICATION CLIENT ON *.* TO exporter;"
  echo "GRANT SELECT ON performance_schema.* TO exporter;"
  account backup mysql_backup_password "REQUIRE SSL"
  echo "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, RELOAD, PROCESS, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO backup;"
  account restore mysql_restore_password "REQUIRE SSL"
  echo "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, LOCK TABLES, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, TRIGGER, EVENT ON *.* TO restore;"
  echo "GRANT SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER, SESSION_VARIABLES_ADMIN ON *.* TO restore;"
  account "$DATABASE" mysql_app_password "REQUIRE SSL"
  echo "GRANT ALL ON \`$DATABASE\`.* TO '$DATABASE';"
  echo "SET GLOBAL super_read_only = ON;"
}

# account NAME SECRET REQUIREMENTS
account() {
  local password
  password=$(quoted "$(secret "$2")")
  echo "CREATE USER IF NOT EXISTS '$1' IDENTIFIED BY '$password' $3;"
  echo "ALTER USER '$1' IDENTIFIED BY '$password' RETAIN CURRENT PASSWORD;"
  echo "ALTER USER '$1' $3;"
}
