#!/usr/bin/env bash
# Prints what this member is: PRIMARY (takes writes), SECONDARY (may be read) or NONE.
read -r role </var/run/mysqld/role
echo "${role:-NONE}"
