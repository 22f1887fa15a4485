#!/usr/bin/env bash
# Docker Engine: installed, configured, running, usable by the operators.
# Inputs: ENGINE_SOURCE (distribution|docker), DAEMON_JSON (text of daemon.json), OPERATORS (users, by spaces; may be
# empty), ENGINE_REPOSITORY (only for docker: base address of Docker's Linux repository or of a mirror of it).
# Result: engine <version>
set -euo pipefail

readonly CONFIG=${DAEMON_FILE:-/etc/docker/daemon.json} PID_FILE=${ENGINE_PID_FILE:-/run/docker.pid}
readonly KEYS=${KEY_FOLDER:-/etc/apt/keyrings} OS_RELEASE=${OS_RELEASE_FILE:-/etc/os-release}
readonly OLDEST=20.10 LOCK_WAIT_S=300
# Fingerprints of Docker's signing keys, https://docs.docker.com/engine/install/debian/ and …/install/centos/
readonly DEB_KEY=9DC858229FC7DD38854AE2D88D81803C0EBFCD88 RPM_KEY=060A61C51B558A7F742B77AAC52FEB6B621E9F35

# os FIELD: a value of os-release.
# shellcheck disable=SC1090 # the file is the host's
os() { (. "$OS_RELEASE" && printf '%s' "${!1:-}"); }

manager() {
  if command -v apt-get >/dev/null; then echo apt; elif command -v dnf >/dev/null; then echo dnf; else echo yum; fi
}

# with_lock COMMAND…: again while another run of apt or dpkg (unattended upgrades) holds its locks, until LOCK_WAIT_S.
with_lock() {
  local said deadline=$((SECONDS + LOCK_WAIT_S))
  until said=$(LC_ALL=C "$@" 2>&1); do
    if ! grep -qE 'Could not get lock|lock.* (is|was) (held|locked)|Unable to (acquire|lock)' <<<"$said" || ((SECONDS > deadline)); then
      tail -n 15 <<<"$said" >&2
      return 1
    fi
    log "waits for another package manager to finish"
    sleep 3
  done
}

apt() { with_lock env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -qq -o DPkg::Lock::Timeout=60 -o Dpkg::Options::=--force-confold "$@"; }

known_to_apt() { [[ $(apt-cache policy "$1" 2>/dev/null) == *"Candidate: "[0-9]* ]]; }

# A run that was killed leaves packages unpacked but not configured.
repair_packages() {
  [[ $(manager) == apt && -n $(dpkg --audit) ]] || return 0
  log "finishes an interrupted installation of packages"
  with_lock env DEBIAN_FRONTEND=noninteractive dpkg --configure -a --force-confold || true
  apt install -y --fix-broken || fail "$(hostname)" "has half-installed packages" "run 'dpkg --configure -a' on it"
}

# install PACKAGE…: from what apt already knows; the lists are only fetched when that doesn't do.
install() {
  log "installs $*"
  if [[ $(manager) != apt ]]; then
    "$(manager)" install -y -q "$@" >&2
  elif ! apt install -y --no-install-recommends "$@"; then
    log "fetches the lists of packages and tries again"
    apt update && apt install -y --no-install-recommends "$@"
  fi || fail "$(hostname)" "could not install $*" "see above, and that the host reaches its package repositories"
}

repository_key() {
  local file=$1 address=$2 fingerprint=$3
  if [[ -s $file ]]; then return; fi
  command -v curl >/dev/null || install curl ca-certificates
  command -v gpg >/dev/null || install gnupg
  mkdir -p "${file%/*}"
  curl -fsSL --retry 3 -o "$file.new" "$address" || fail "$(hostname)" "got no signing key from $address" "correct engine.repository"
  gpg --show-keys --with-colons "$file.new" 2>/dev/null | grep -q "^fpr:.*:$fingerprint:" || fail "$(hostname)" \
    "$address holds another key than Docker's ($fingerprint)" "see who answers under that address"
  chmod 0644 "$file.new"
  mv "$file.new" "$file"
}

add_repository() {
  local id codename key
  need ENGINE_REPOSITORY
  id=$(os ID)
  if [[ $(manager) == apt ]]; then
    [[ $id == debian || $id == ubuntu ]] || id=ubuntu
    codename=$(os UBUNTU_CODENAME) && codename=${codename:-$(os VERSION_CODENAME)}
    key=$KEYS/docker.asc
    repository_key "$key" "$ENGINE_REPOSITORY/$id/gpg" "$DEB_KEY"
    if put_file /etc/apt/sources.list.d/docker.list 0644 \
      "deb [arch=$(dpkg --print-architecture) signed-by=$key] $ENGINE_REPOSITORY/$id $codename stable"; then
      apt update
    fi
    return
  fi
  [[ $id == fedora || $id == rhel ]] || id=centos
  codename=$(os VERSION_ID)
  key=/etc/pki/rpm-gpg/RPM-GPG-KEY-docker
  repository_key "$key" "$ENGINE_REPOSITORY/$id/gpg" "$RPM_KEY"
  put_file /etc/yum.repos.d/docker.repo 0644 "[docker-stable]
name=Docker Engine
baseurl=$ENGINE_REPOSITORY/$id/${codename%%.*}/\$basearch/stable
enabled=1
gpgcheck=1
gpgkey=file://$key" || true
}

# Packages of the distribution. RHEL 8+ has none: its package "docker" is Podman in disguise.
distribution_packages() {
  case "$(os ID) $(os ID_LIKE)" in
    debian* | ubuntu* | *debian*) echo "docker.io $(known_to_apt docker-cli && echo docker-cli)" ;;
    fedora*) echo moby-engine ;;
    amzn*) echo docker ;;
    *) fail "$(hostname)" "$(os PRETTY_NAME) has no Docker Engine of its own" "set engine.source to docker" ;;
  esac
}

install_engine() {
  local packages=(curl iptables) engine=()
  if [[ $(manager) == apt ]]; then
    packages+=(ca-certificates nftables)
    # With AppArmor in the kernel and without its parser, no container starts.
    if [[ $(cat /sys/module/apparmor/parameters/enabled 2>/dev/null) == Y ]]; then packages+=(apparmor); fi
  fi
  case $ENGINE_SOURCE in
    distribution) read -ra engine < <(distribution_packages) ;;
    docker)
      add_repository
      engine=(docker-ce docker-ce-cli containerd.io)
      ;;
  esac
  ((${#engine[@]} > 0)) || exit 1
  install "${packages[@]}" "${engine[@]}"
}

is_installed() { command -v docker >/dev/null && command -v dockerd >/dev/null && command -v curl >/dev/null; }

engine_version() { docker version --format '{{.Server.Version}}' 2>/dev/null; }

check_version() {
  local version
  version=$(engine_version)
  [[ $(printf '%s\n' "$OLDEST" "$version" | sort -V | head -n 1) == "$OLDEST" ]] || fail "$(hostname)" \
    "Docker Engine $version is older than $OLDEST" "remove it and set engine.source to docker"
}

# dockerd reads its file once: a file younger than the daemon (an interrupted run) is not in force.
restart_needed() { ! systemctl -q is-active docker || [[ -f $PID_FILE && $CONFIG -nt $PID_FILE ]]; }

write_config() {
  local said
  if [[ -f $CONFIG && $(cat "$CONFIG") == "${DAEMON_JSON%$'\n'}" ]]; then return; fi
  if command -v dockerd >/dev/null && dockerd --help 2>&1 | grep -q -- --validate; then
    said=$(dockerd --validate --config-file <(printf '%s' "$DAEMON_JSON") 2>&1) || fail "$(hostname)" \
      "dockerd refuses the configuration: $said" "correct the settings under engine"
  fi
  if [[ -f $CONFIG ]]; then cp -p "$CONFIG" "$CONFIG.previous"; fi
  put_file "$CONFIG" 0644 "$DAEMON_JSON" || true
}

restart_engine() {
  systemctl reset-failed docker 2>/dev/null || true
  systemctl restart docker && wait_for 60 engine_version >/dev/null
}

# leaderless: whether this node is a manager that knows no leader.
leaderless() { [[ $(timeout 30 docker node ls 2>&1) == *"does not have a leader"* ]]; }

has_leader() { ! leaderless; }

is_settled() { swarm_is active && [[ -z $(docker ps --quiet --filter health=starting) ]]; }

# The program restarts one node after the other: this one first has its tasks back, or those that went elsewhere run.
# Ten seconds: Swarm waits five before it starts a task again.
await_tasks() {
  if swarm_is inactive; then return; fi
  log "waits for the tasks of this node"
  sleep "${SETTLE_S:-10}"
  if leaderless && [[ $1 == stopped ]]; then
    log "the swarm has no leader yet: nothing of it starts before more of its managers are up"
    return
  fi
  wait_for 60 has_leader || fail "$(hostname)" "the swarm has no leader 70 s after this engine's restart" \
    "start the managers that are down, see 'docker node ls'; other nodes were not restarted"
  wait_for 120 is_settled || fail "$(hostname)" "its tasks are not healthy 130 s after the engine's restart" \
    "see 'docker ps' on it; other nodes were not restarted"
}

run_engine() {
  local journal was=running
  systemctl -q is-enabled docker || systemctl -q enable docker
  if restart_needed; then
    systemctl -q is-active docker || was=stopped
    log "restarts the engine"
    if ! restart_engine; then
      journal=$(journalctl -u docker -n 10 --no-pager -o cat)
      rm -f "$CONFIG"
      if [[ -f $CONFIG.previous ]]; then mv "$CONFIG.previous" "$CONFIG"; fi
      restart_engine || log "the engine does not start with the former $CONFIG either"
      printf '%s\n' "$journal" >&2
      fail "$(hostname)" "the engine did not start with the new $CONFIG, the former one is back" \
        "see its last words above and correct the settings under engine"
    fi
    await_tasks "$was"
  fi
  rm -f "$CONFIG.previous"
}

admit_operators() {
  local user
  for user in ${OPERATORS:-}; do
    getent passwd "$user" >/dev/null || fail "$(hostname)" "has no user $user" \
      "make the user, or take the name from engine.operators"
    if [[ " $(id -nG "$user") " != *" docker "* ]]; then
      log "puts $user into the group docker"
      usermod -aG docker "$user"
    fi
  done
}

main() {
  need ENGINE_SOURCE DAEMON_JSON
  [[ $ENGINE_SOURCE == distribution || $ENGINE_SOURCE == docker ]] || fail "input ENGINE_SOURCE" \
    "is $ENGINE_SOURCE" "use distribution or docker"
  command -v systemctl >/dev/null || fail "$(hostname)" "has no systemd" "use a host that systemd starts"
  one_at_a_time engine 600
  repair_packages
  write_config # before the first start, which makes Docker's bridge from the address pools
  if ! is_installed; then install_engine; fi
  run_engine
  check_version
  admit_operators
  printf 'engine %s\n' "$(engine_version)"
}

main "$@" </dev/null
