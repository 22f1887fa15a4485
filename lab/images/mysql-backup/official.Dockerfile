# Server and tools for backups, on the official MySQL image: `make images` gives it as BASE, pinned by digest in
# configs/services/mysql/server/service.yaml, so that dumps, logs and the scratch server are of the members' own version.
#
# The official image leaves out mysqlbinlog, without which there is no restore to a moment
# (https://github.com/docker-library/mysql/issues/907). It is in MySQL's client package of the same version, which
# can't be installed beside the image's minimal server: both have /usr/bin/mysql. So it is installed in a stage of
# its own, from MySQL's repository, signed with the key that the image brings, and copied with its libraries.
# https://github.com/docker-library/mysql/blob/master/9.7/Dockerfile.oracle
ARG BASE
FROM ${BASE} AS client
RUN set -eu; \
    cd /etc/yum.repos.d; \
    sed 's!/docker/el/!/el/!; s!^\[.*!\[mysql-client\]!' mysql-community-minimal.repo >mysql-client.repo; \
    grep -q -- '-community/el/' mysql-client.repo; \
    grep -q '^gpgcheck=1$' mysql-client.repo; \
    rm mysql-community-minimal.repo; \
    microdnf remove -y mysql-community-server-minimal; \
    microdnf install -y "mysql-community-client-${MYSQL_VERSION}"; \
    mkdir /client; \
    cp --parents /usr/bin/mysqlbinlog /client; \
    ldd /usr/bin/mysqlbinlog | awk '$3 ~ "/mysql/" { print $3 }' | while read -r library; do \
      cp --parents --dereference "$library" /client; \
    done

FROM ${BASE}
COPY --from=client /client/ /
# util-linux: flock. The rest is in the image; what isn't fails here and not at the first backup.
RUN set -eu; \
    microdnf install -y findutils gawk jq util-linux zstd; \
    microdnf clean all; \
    for program in awk basename cat cut date find flock grep head jq kill mkdir mkfifo mv mysql mysqlbinlog mysqld \
      mysqldump paste rm sed setsid sha256sum sleep sort stat sync tail tee timeout tr uniq wc zstd; do \
      command -v "$program" >/dev/null || { echo "$program is missing" >&2; exit 1; }; \
    done; \
    mysqlbinlog --version; \
    rm -rf /etc/my.cnf /etc/mysql; \
    mkdir -m 0700 /backup /scratch; \
    chown mysql:mysql /backup /scratch
USER mysql
ENTRYPOINT []
CMD ["mysqlbinlog", "--version"]
