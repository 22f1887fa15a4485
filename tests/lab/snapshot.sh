#!/usr/bin/env bash
# All of a host that a run could write: files with size, mode, owner and time of change; rules, kernel settings, units;
# what the swarm has, as it was told. Left out is what a machine changes by itself: logs, sessions, layers, counters;
# and the run's own lock.
find /etc /root /home /usr/local /opt /srv /var/spool /var/lib/systemd /var/lib/dpkg /run/lock /run/systemd/system \
  -xdev \( -path '*/timers/*' -o -path '*/random-seed' -o -name platform-beta-run -o -path '*/credential.secret' \) -prune -o -printf '%p %s %m %u %g %T@\n' 2>/dev/null | sort
nft -s list ruleset | grep -v 'counter'
sysctl -a 2>/dev/null | grep -E '^(net\.ipv4\.tcp_|net\.core\.|net\.ipv4\.ip_|vm\.|fs\.)' | grep -vE 'file-nr|inode|dentry|aio-nr|free|entropy|random|quota|tcp_mem|tcp_fastopen_key'
systemctl list-unit-files --no-legend --no-pager
docker info --format '{{.Swarm.NodeID}} {{.Swarm.LocalNodeState}} {{.Name}} {{.Driver}}'
docker volume ls -q; docker ps --format '{{.ID}} {{.Image}}' | sort
if [ "$(docker info --format '{{.Swarm.ControlAvailable}}')" = true ]; then
  for kind in node service network secret config; do
    docker $kind ls -q | sort | xargs -r docker $kind inspect --format '{{.ID}} {{json .Spec}}' 2>/dev/null \
      || docker $kind ls --format '{{.ID}} {{.Name}}' | sort
  done
fi
