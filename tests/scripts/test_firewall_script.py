"""set-firewall and unset-firewall: the rules they make, by nft and by iptables."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from tests.scripts.conftest import Machine

FIREWALL = {
    "NODE_ADDRESSES": "10.0.0.1 10.0.0.2 2001:db8::2",
    "SELF_ADDRESS": "10.0.0.1",
    "SSH_PORT": "22",
    "EDGE_PORTS": "80 443",
    "EDGE_SOURCES": "0.0.0.0/0 2001:db8::/32",
}
#: The unit is enabled and active once it was started; a start runs its program.
SYSTEMCTL = """
case "$*" in
  *is-enabled*|*is-active*firewall.service) [ -f "$FAKES/started" ] ;;
  *is-active*firewalld) exit 3 ;;
  "reload-or-restart "*) touch "$FAKES/started"; sh "$FAKES/firewall/firewall" start ;;
  stop*|*"disable --now"*) rm -f "$FAKES/started"; sh "$FAKES/firewall/firewall" stop ;;
esac
"""
#: The table in force is a file.
NFT = """
case "$*" in
  "-c -f "*) true ;;
  "-f "*) cat "$2" >"$FAKES/table" ;;
  *"list table"*) cat "$FAKES/table" 2>/dev/null ;;
  "delete table"*) rm -f "$FAKES/table" ;;
esac
"""


@pytest.fixture
def host(machine: Machine) -> Machine:
    machine.fake("systemctl", SYSTEMCTL)
    machine.fake("nft", NFT)
    return machine


def rules(host: Machine) -> str:
    return (host.folder / "firewall" / "firewall.nft").read_text()


def chain(host: Machine, name: str) -> str:
    found = re.search(rf"chain {name} {{\n(.*?)\n  }}", rules(host), re.S)
    assert found
    return found[1]


def test_the_swarm_ports_are_for_nodes_only(host: Machine) -> None:
    assert host.run("set-firewall.sh", **FIREWALL).code == 0
    assert chain(host, "swarm").split("\n")[-1].strip() == "drop"
    assert "ip saddr { 10.0.0.1,10.0.0.2 } accept" in chain(host, "swarm")
    assert "ip6 saddr { 2001:db8::2 } accept" in chain(host, "swarm")
    assert "tcp dport { 2377,7946 } jump swarm" in chain(host, "input")
    assert "udp dport { 4789,7946 } jump swarm" in chain(host, "input")


def test_ssh_is_accepted_before_anything_is_dropped(host: Machine) -> None:
    host.run("set-firewall.sh", **{**FIREWALL, "SSH_PORT": "2376"})
    lines = [line.strip() for line in chain(host, "input").splitlines()]
    assert lines.index("tcp dport 2376 accept") < min(n for n, line in enumerate(lines) if "drop" in line)


def test_published_ports_are_for_nodes_and_the_edge(host: Machine) -> None:
    host.run("set-firewall.sh", **FIREWALL)
    lines = [line.strip() for line in chain(host, "published").splitlines() if line.strip()]
    assert lines[-1] == "drop"
    assert "meta l4proto tcp ct original proto-dst { 80,443 } ip saddr 0.0.0.0/0 accept" in lines
    assert "meta l4proto tcp ct original proto-dst { 80,443 } ip6 saddr 2001:db8::/32 accept" in lines


def test_without_edge_ports_nothing_published_is_open(host: Machine) -> None:
    host.run("set-firewall.sh", **{**FIREWALL, "EDGE_PORTS": ""})
    assert "proto-dst" not in rules(host)


@pytest.mark.skipif(not shutil.which("nft"), reason="no nft on this machine")
def test_the_kernel_takes_the_rules(host: Machine) -> None:
    host.run("set-firewall.sh", **FIREWALL)
    file = host.folder / "firewall" / "firewall.nft"
    done = subprocess.run(
        ["unshare", "-rn", "nft", "-f", str(file)], capture_output=True, text=True, check=False
    )
    if "unshare" in done.stderr:
        pytest.skip(f"no network namespaces here: {done.stderr.strip()}")
    assert (done.returncode, done.stderr) == (0, "")


def test_again_nothing_is_written_or_loaded(host: Machine) -> None:
    first = host.run("set-firewall.sh", **FIREWALL)
    again = host.run("set-firewall.sh", **FIREWALL)
    assert first.out == again.out
    assert first.out.startswith("firewall nft ")
    assert (again.err, again.called("systemctl reload-or-restart"), again.called("nft -f")) == ("", [], [])


def test_rules_that_someone_took_away_come_back(host: Machine) -> None:
    host.run("set-firewall.sh", **FIREWALL)
    (host.folder / "table").unlink()
    assert host.run("set-firewall.sh", **FIREWALL).code == 0
    assert (host.folder / "table").read_text() == rules(host)


def test_rules_that_do_not_load_are_a_failure(host: Machine) -> None:
    host.fake("nft", 'case "$*" in "-c -f "*) true ;; *) exit 1 ;; esac')
    run = host.run("set-firewall.sh", **FIREWALL)
    assert run.code == 1
    assert run.last_words.startswith("10.0.0.1: the firewall's rules are not in force; see: journalctl")


def test_iptables_does_it_where_nft_is_missing(host: Machine) -> None:
    (host.folder / "bin" / "nft").unlink()
    for name in ("iptables", "ip6tables"):
        host.fake(name, '[ "$1" = -S ] && echo "-N PLATFORM-BETA-IN"; true')
        host.fake(f"{name}-restore", "cat >/dev/null")
    run = host.run("set-firewall.sh", **FIREWALL)
    assert (run.code, run.out.split()[:2]) == (0, ["firewall", "iptables"])
    four = (host.folder / "firewall" / "firewall.iptables").read_text()
    assert "-s 10.0.0.2 -p tcp -m multiport --dports 2377,7946 -j ACCEPT" in four
    assert "-s 0.0.0.0/0 -p tcp -m conntrack --ctstate DNAT --ctorigdstport 443 -j RETURN" in four
    assert four.splitlines()[-2:] == ["-A PLATFORM-BETA-FWD -m conntrack --ctstate DNAT -j DROP", "COMMIT"]
    assert "2001:db8::2" not in four


def test_ufw_gets_exactly_the_nodes(host: Machine) -> None:
    stale = "ufw allow from 10.0.0.9 proto esp comment 'platform-beta'"
    theirs = "ufw allow 22/tcp"
    host.fake(
        "ufw",
        f'case $1 in status) echo "Status: active" ;; show) printf "%s\\n" "{theirs}" "{stale}" ;; esac',
    )
    run = host.run("set-firewall.sh", **{**FIREWALL, "NODE_ADDRESSES": "10.0.0.1 10.0.0.2"})
    assert run.code == 0
    assert [call for call in run.called("ufw") if "allow" in call] == [
        "ufw allow from 10.0.0.2 to any port 2377,7946 proto tcp comment platform-beta",
        "ufw allow from 10.0.0.2 to any port 4789,7946 proto udp comment platform-beta",
        "ufw allow from 10.0.0.2 proto esp comment platform-beta",
        "ufw delete allow from 10.0.0.9 proto esp",
    ]


def test_unsetting_takes_all_of_it_away(host: Machine) -> None:
    host.run("set-firewall.sh", **FIREWALL)
    host.fake("nft", NFT.replace("2>/dev/null", ""))
    run = host.run("unset-firewall.sh")
    assert (run.code, run.out) == (0, "firewall none\n")
    left = [name for name in ("table", "firewall", "started") if (host.folder / name).exists()]
    assert left + list((host.folder / "units").iterdir()) == []


def test_unsetting_where_nothing_is_set_is_fine(host: Machine) -> None:
    run = host.run("unset-firewall.sh")
    assert (run.code, run.out, run.called("systemctl")) == (0, "firewall none\n", [])
