#!/usr/bin/env bash
# Reads what a node is and writes nothing: no file, no here-document (older shells put those into files), no question
# that would start an engine.
# Inputs: SELF_ADDRESS, SSH_PORT, PEERS (addresses), SYSCTLS (keys), OPERATORS (users); lists by spaces, may be empty.
# Result: lines `key value`; a key that is not printed is unknown. A text is its key alone, then `key line` for each of
# its lines: none for a file that is not there.
set -euo pipefail

readonly QUICK=3.2 PATIENT=5 # seconds: a SYN and its repetitions after 1 s and 3 s; an engine under load

declare -A UNIT=()

text() {
  local line
  if [[ -e $2 && ! -r $2 ]]; then return; fi
  printf '%s\n' "$1"
  if [[ ! -f $2 ]]; then return; fi
  while IFS= read -r line || [[ -n $line ]]; do printf '%s %s\n' "$1" "$line"; done <"$2"
}

system() {
  local key value
  uname -n | while read -r value; do echo "hostname $value"; done
  uname -r | while read -r value; do echo "kernel $value"; done
  nproc | while read -r value; do echo "cores $value"; done
  while read -r key value _; do
    if [[ $key == MemTotal: ]]; then echo "memory_kib $value"; fi
  done </proc/meminfo
  if [[ -d /run/systemd/system ]]; then echo 'systemd true'; else echo 'systemd false'; fi
}

# shellcheck disable=SC1091 # the host's
os() { (. /etc/os-release && printf 'os_id %s\nos_version %s\nos_name %s\n' "${ID:-}" "${VERSION_ID:-}" "${PRETTY_NAME:-}"); }

# One question about both units, into UNIT: "docker.service/ActiveState" and so on.
units() {
  local line id=''
  while read -r line; do
    if [[ $line == Id=* ]]; then id=${line#Id=}; fi
    if [[ $line == *=* ]]; then UNIT[$id/${line%%=*}]=${line#*=}; fi
  done < <(systemctl show -p Id -p LoadState -p ActiveState -p UnitFileState docker.service platform-beta-firewall.service)
}

# enabled UNIT: as `systemctl is-enabled` counts it; nothing when that is unknown.
enabled() {
  case ${UNIT[$1/UnitFileState]:-} in
    '') ;;
    enabled* | static | alias | indirect | generated) echo true ;;
    *) echo false ;;
  esac
}

# Podman's `docker` comes without dockerd. A stopped engine is not asked: its socket would start it.
engine() {
  local said state=${UNIT[docker.service/ActiveState]:-}
  if ! type -P docker dockerd >/dev/null; then echo 'engine absent'; return; fi
  echo "engine_enabled $(enabled docker.service)"
  if [[ ${UNIT[docker.service/LoadState]:-} == loaded && $state =~ ^(inactive|failed)$ ]]; then echo 'engine stopped'; return; fi
  said=$(timeout $PATIENT docker info --format 'engine {{.ServerVersion}}
docker_root {{.DockerRootDir}}
{{with .Swarm}}swarm_state {{.LocalNodeState}}
swarm_node_id {{.NodeID}}
swarm_manager {{.ControlAvailable}}
swarm_address {{.NodeAddr}}
swarm_error {{json .Error}}
swarm_managers{{range .RemoteManagers}} {{.Addr}}{{end}}
{{with .Cluster}}{{if .ID}}swarm_cluster_id {{.ID}}
task_history_limit {{.Spec.Orchestration.TaskHistoryRetentionLimit}}{{end}}{{end}}{{end}}') || said=''
  if [[ $said == 'engine '[0-9]* ]]; then
    printf '%s\n' "$said"
  elif [[ $state == activating ]]; then
    echo 'engine stopped' # it starts over and over
  fi
}

members() {
  local said ids manager='{{with .ManagerStatus}}{{if .Leader}}"leader"{{else}}{{json .Reachability}}{{end}},"manager_address":{{json .Addr}}{{else}}null{{end}}'
  ids=$(timeout $PATIENT docker node ls -q) && [[ -n $ids ]] || return
  # shellcheck disable=SC2086 # ids are words
  said=$(timeout $PATIENT docker node inspect --format 'members {"id":{{json .ID}},"name":{{json .Description.Hostname}},"role":{{json .Spec.Role}},"availability":{{json .Spec.Availability}},"state":{{json .Status.State}},"address":{{json .Status.Addr}},"labels":{{json .Spec.Labels}},"reachability":'"$manager"'}' $ids) &&
    printf 'members\n%s\n' "$said"
}

# The swarm's overlay networks but its own, and how many services there are: neither when one of them can't be read.
overlays() {
  local name names said='' services count=0
  names=$(timeout $PATIENT docker network ls --filter driver=overlay --filter scope=swarm --format '{{.Name}}') || return
  for name in $names; do
    if [[ $name == ingress ]]; then continue; fi
    said+=$(timeout $PATIENT docker network inspect --format \
      'overlays {"name":{{json .Name}},"ipam":{{json .IPAM.Config}},"options":{{json .Options}},"labels":{{json .Labels}},"attachable":{{json .Attachable}}}' "$name")$'\n' || return
  done
  services=$(timeout $PATIENT docker service ls -q) || return
  for _ in $services; do ((count += 1)); done
  printf 'overlays\n%sservices %s\n' "$said" "$count"
}

# Both lists, asked for at once and printed one after the other.
swarm_lists() {
  local said
  members &
  said=$(overlays) || said=''
  wait
  if [[ -n $said ]]; then printf '%s\n' "$said"; fi
}

# disk FOLDER: of the file system that holds Docker's data, or will.
disk() {
  local folder=$1 size free
  while [[ -n $folder && ! -e $folder ]]; do folder=${folder%/*}; done
  df -Pk "${folder:-/}" | while read -r _ size _ free _; do
    if [[ $free == [0-9]* ]]; then printf 'disk_total_kib %s\ndisk_free_kib %s\n' "$size" "$free"; fi
  done
}

# Who is in the group docker, operators by their primary group included; operators that don't exist.
operators() {
  local user groups members missing=() status=0
  members=$(getent group docker) || status=$?
  ((status == 0 || status == 2)) || return
  members=${members##*:} members=${members//,/ }
  for user in $OPERATORS; do
    if ! groups=$(id -nG "$user"); then missing+=("$user"); elif [[ " $groups " == *' docker '* ]]; then members+=" $user"; fi
  done
  printf 'docker_group %s\nmissing_users %s\n' "$members" "${missing[*]:-}"
}

# A slash in a key stands for a dot in the name of an interface: sysctl(8).
sysctls() {
  local key value file
  for key in $SYSCTLS; do
    file=${key//\//:} file=${file//.//} file=/proc/sys/${file//:/.} value=''
    if [[ ! -e $file ]] || read -r value <"$file"; then echo "sysctl $key $value"; fi
  done
}

# let_in FILE: of this node's and its peers' addresses those that the loaded rules name; `none`.
let_in() {
  local address found=()
  for address in $SELF_ADDRESS $PEERS; do
    if grep -qwF -e "$address" "$1"; then found+=("$address"); fi
  done
  echo "${found[*]:-none}"
}

# What set-firewall.sh calls in force, told apart.
firewall() {
  local folder=/etc/platform-beta loaded=/run/platform-beta-firewall unit=platform-beta-firewall.service file now before lost
  if [[ ! -f $folder/firewall || ${UNIT[$unit/LoadState]:-} == not-found ]]; then echo 'firewall absent'; return; fi
  [[ -n ${UNIT[$unit/ActiveState]:-} ]] || return
  if [[ ${UNIT[$unit/ActiveState]} != active || ! -s $loaded ]]; then echo 'firewall inactive'; return; fi
  if [[ $(enabled $unit) == false ]]; then echo 'firewall disabled'; return; fi
  for file in "$folder"/firewall*; do
    if [[ $file -nt $loaded ]]; then echo "firewall changed $file is younger than what is loaded"; return; fi
  done
  now=$(sh "$folder/firewall" show) || now=''
  before=$(cat "$loaded")
  if [[ $now == "$before" ]]; then echo "firewall in-force $(let_in "$loaded")"; return; fi
  if [[ -z $now ]]; then echo 'firewall changed its rules are gone'; return; fi
  # shellcheck disable=SC2001 # spaces at both ends
  lost=$(grep -vxFm1 -e "$now" <(printf '%s\n' "$before") | sed 's/^[[:space:]]*//') || lost=$(grep -vxFm1 -e "$before" <(printf '%s\n' "$now") | sed 's/^[[:space:]]*/not /')
  echo "firewall changed not as loaded: $lost"
}

network() {
  local routes line device='' mtu
  routes=$(ip -4 -o route show table all) || return
  printf 'routes\n'
  while read -r line; do
    printf 'routes %s\n' "$line"
    if [[ "$line " == "local $SELF_ADDRESS dev "* ]]; then read -r _ _ _ device _ < <(printf '%s\n' "$line"); fi
  done < <(printf '%s\n' "$routes")
  echo "interface $device"
  if [[ -n $device ]] && read -r mtu <"/sys/class/net/$device/mtu"; then echo "mtu $mtu"; fi
}

kernel_config() {
  if [[ -r /proc/config.gz ]]; then gzip -dc </proc/config.gz; else cat "/boot/config-$(uname -r)"; fi
}

# loaded, builtin, loadable or absent; not printed when neither modules nor the kernel's configuration can be seen.
features() {
  local folder pair module known config=''
  folder=/lib/modules/$(uname -r)
  known=$(cat "$folder/modules.builtin" "$folder/modules.dep") || known=''
  for pair in overlay:OVERLAY_FS vxlan:VXLAN esp4:INET_ESP ip_vs:IP_VS; do
    module=${pair%:*} pair=CONFIG_${pair#*:}
    if [[ -d /sys/module/$module ]]; then
      echo "feature $module loaded"
    elif [[ $known == *"/$module.ko"* ]]; then
      echo "feature $module loadable"
    elif [[ -n $known ]]; then
      echo "feature $module absent"
    else
      config=${config:-$(kernel_config | grep -E '^CONFIG_(OVERLAY_FS|VXLAN|INET_ESP|IP_VS|INET)=')} || return
      case $config in *"$pair=y"*) echo "feature $module builtin" ;; *"$pair=m"*) ;; *) echo "feature $module absent" ;; esac
    fi
  done
}

tools() {
  local tool found=()
  for tool in apt-get curl dnf docker dockerd flock getent ip iptables modprobe nft sudo systemctl sysctl yum; do
    if type -P "$tool" >/dev/null; then found+=("$tool"); fi
  done
  echo "tools ${found[*]:-}"
}

# The lock of a run that is under way on another machine; taken for an instant, shared, to see whether it is free.
run_lock() {
  local file=/run/lock/platform-beta-run status=0
  if [[ ! -e $file ]]; then echo run_lock; return; fi
  flock -n -s "$file" true || status=$?
  if ((status == 0)); then echo run_lock; elif ((status == 1)); then
    if [[ -s $file ]]; then text run_lock "$file"; else printf 'run_lock\nrun_lock held, by whom is not said\n'; fi
  fi
}

# probe ADDRESS PORT: open, refused (an answer as well), silent or unreachable, and the milliseconds it took.
probe() {
  local said took state
  # shellcheck disable=SC2016 # the other shell's
  said=$(timeout $QUICK bash -c 'TIMEFORMAT=%3R; time : 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1) || true
  took=${said##*$'\n'} state=open
  if [[ $took != [0-9]*.[0-9]* ]]; then echo "peer $1 $2 silent"; return; fi
  if [[ $said == *refused* ]]; then state=refused; elif [[ $said == *connect* ]]; then state=unreachable; fi
  echo "peer $1 $2 $state $((10#${took//[.,]/}))"
}

# A swarm's ports first: they cost nothing there, while each try at sshd's starts a process. The fastest of a few counts.
peer() {
  local said
  probe "$1" 2377 &
  for _ in 1 2 3; do
    said=$(probe "$1" 7946)
    echo "$said"
    if [[ ! $said =~ (open|refused)\ ([0-9]+)$ || ${BASH_REMATCH[2]} -le 2 ]]; then break; fi
  done
  if [[ ! $said =~ (open|refused) ]]; then probe "$1" "$SSH_PORT"; fi
  wait
}

peers() {
  local address
  for address in $PEERS; do peer "$address" & done
  wait
}

main() {
  local said root
  exec 2>/dev/null
  export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
  date +'clock %s.%N'
  exec 5< <(peers)
  units || true
  said=$(engine || true)
  printf '%s\n' "$said"
  exec 6< <(if [[ $said == *$'\nswarm_manager true'* ]]; then swarm_lists; fi)
  root=${said##*$'\ndocker_root '} root=${root%%$'\n'*}
  if [[ $root != /* ]]; then root=/var/lib/docker; fi
  disk "$root" || true
  system || true
  os || true
  text daemon_json /etc/docker/daemon.json || true
  if [[ -f /etc/docker/daemon.json && -f /run/docker.pid ]]; then
    if [[ /etc/docker/daemon.json -nt /run/docker.pid ]]; then echo 'daemon_json_newer true'; else echo 'daemon_json_newer false'; fi
  fi
  operators || true
  sysctls || true
  text sysctl_file /etc/sysctl.d/90-platform-beta.conf || true
  firewall || true
  network || true
  features || true
  tools || true
  run_lock || true
  cat <&6 || true
  cat <&5 || true
  date +'clock %s.%N'
}

main "$@" </dev/null
