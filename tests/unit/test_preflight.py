from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest

from components.observe import Probe, Route, Unreachable, parse_facts
from components.preflight import preflight, unseen
from tests.unit.machines import Machines, a_plan, machines, spoilt

PLAN = a_plan()
SOUND = machines(PLAN)
FRESH = machines(PLAN, joined=False)
NO_TOOLS = frozenset({"systemctl"})
MORE = "give it more, or lower preflight"
LIST = "correct the list of nodes"


def said(facts: Machines, **changes: Any) -> list[str]:
    return [str(fault) for fault in preflight(a_plan(**changes) if changes else PLAN, facts)]


def route(network: str, interface: str = "ens3") -> Route:
    return Route(IPv4Network(network), interface)


def heard(facts: Machines, name: str, other: int, probes: dict[int, Probe]) -> Machines:
    """What that node heard from node-<other>, by port."""
    seen = facts[name]
    assert not isinstance(seen, Unreachable)
    own = {key: probe for key, probe in seen.peers.items() if key[0] != f"192.0.2.{10 + other}"}
    return spoilt(
        facts, name, peers={**own, **{(f"192.0.2.{10 + other}", p): probe for p, probe in probes.items()}}
    )


def far(ms: int) -> Machines:
    probes = {7946: Probe("open", ms), 2377: Probe("refused", ms + 5)}
    return heard(heard(SOUND, "node-4", 5, probes), "node-5", 4, probes)


def taken_by_all(network: str) -> Machines:
    facts = SOUND
    for name in SOUND:
        facts = spoilt(facts, name, routes=(route("192.0.2.0/24"), route(network, "wg0")))
    return facts


OPEN, SILENT, REFUSED = Probe("open", 1), Probe("silent", None), Probe("refused", 0)
RENAME = "run 'hostnamectl set-hostname node-2' on it and restart docker, or name the node "
ALL = "node-1, node-2, node-3, node-4, node-5"

FAULTS: list[tuple[Machines, str]] = [
    (
        spoilt(SOUND, "node-1", os_id="arch", os_version=None, os_name="Arch Linux"),
        "nodes/node-1: runs Arch Linux, which is none of almalinux, centos, debian, rhel, rocky, ubuntu; "
        "install one of them, or add it to preflight.operating_systems",
    ),
    (
        spoilt(SOUND, "node-1", os_version="18.04", os_name="Ubuntu 18.04.6 LTS"),
        "nodes/node-1: runs Ubuntu 18.04.6 LTS, older than ubuntu 20.04; "
        "upgrade it, or lower preflight.operating_systems",
    ),
    (
        spoilt(SOUND, "node-1", os_id="debian", os_version="10", os_name="Debian GNU/Linux 10 (buster)"),
        "nodes/node-1: runs Debian GNU/Linux 10 (buster), older than debian 11; "
        "upgrade it, or lower preflight.operating_systems",
    ),
    (
        spoilt(SOUND, "node-1", os_id="centos", os_version="6", os_name=None),
        "nodes/node-1: runs centos 6, older than centos 7; upgrade it, or lower preflight.operating_systems",
    ),
    (
        spoilt(SOUND, "node-1", os_id="rhel", os_version="7.9", os_name="RHEL 7.9"),
        "nodes/node-1: runs RHEL 7.9, older than rhel 8; upgrade it, or lower preflight.operating_systems",
    ),
    (spoilt(SOUND, "node-5", cores=4), f"nodes/node-5: has 4 cores of 8 asked for; {MORE}.cores"),
    (
        spoilt(SOUND, "node-5", memory_mib=7960),
        f"nodes/node-5: has 7960 MiB of memory of 16384 asked for; {MORE}.memory_mib",
    ),
    (
        spoilt(SOUND, "node-5", disk_total_mib=50_000),
        f"nodes/node-5: has 48 GiB of disk below Docker's data of 100 asked for; {MORE}.disk_gib",
    ),
    (
        spoilt(FRESH, "node-5", engine="absent", engine_version=None, disk_free_mib=60_000),
        f"nodes/node-5: has 58 GiB of disk free below /var/lib/docker of 100 asked for; {MORE}.disk_gib",
    ),
    (
        spoilt(SOUND, "node-3", engine_version="19.03.15"),
        "nodes/node-3: Docker Engine 19.03.15 is older than 20.10; "
        "remove it and set engine.source to docker, or lower preflight.engine_version",
    ),
    (
        spoilt(SOUND, "node-2", hostname="web-7"),
        f"nodes/node-2: the host calls itself web-7; {RENAME}web-7",
    ),
    (
        spoilt(SOUND, "node-2", hostname="node-2.example.com"),
        f"nodes/node-2: the host calls itself node-2.example.com; {RENAME}node-2.example.com",
    ),
    (
        spoilt(SOUND, "node-2", systemd=False),
        "nodes/node-2: is not run by systemd; use a host that systemd starts",
    ),
    (
        spoilt(SOUND, "node-2", missing_users=frozenset({"deploy"})),
        "nodes/node-2: has no user deploy; make the user, or take the name from engine.operators",
    ),
    (
        spoilt(FRESH, "node-2", engine="absent", engine_version=None, tools=frozenset({"nft"})),
        "nodes/node-2: has no Docker Engine, and no apt-get, dnf or yum to install it; "
        "install Docker Engine on it",
    ),
    (
        spoilt(SOUND, "node-2", tools=NO_TOOLS),
        "nodes/node-2: has neither nft nor iptables; "
        "install nftables on it, or set firewall.enabled to false",
    ),
    (
        spoilt(SOUND, "node-3", features={"overlay": "absent"}),
        "nodes/node-3: its kernel (5.15.0) lacks the overlay file system, which images need; "
        "use another kernel",
    ),
    (
        spoilt(SOUND, "node-3", features={"vxlan": "absent"}),
        "nodes/node-3: its kernel (5.15.0) lacks VXLAN, which the network needs; use another kernel",
    ),
    (
        spoilt(SOUND, "node-3", features={"esp4": "absent"}),
        "nodes/node-3: its kernel (5.15.0) lacks ESP, which the encrypted network needs; "
        "set network.encrypted to false, or use another kernel",
    ),
    (
        {**SOUND, "node-3": Unreachable("sudo: a password is required")},
        "nodes/node-3: root can't become root: sudo: a password is required; "
        "give root passwordless sudo there (NOPASSWD: ALL), or set ssh.user to root",
    ),
    (
        spoilt(SOUND, "node-3", swarm_cluster_id="theirs"),
        "nodes/node-3: manages the swarm theirs, while node-1, node-2 manage ours; "
        f"take it out with 'docker swarm leave --force' on node-3, or {LIST}",
    ),
    (
        spoilt(SOUND, "node-4", swarm_managers=("198.51.100.1:2377", "198.51.100.2:2377")),
        "nodes/node-4: is a node of another swarm, whose managers are 198.51.100.1:2377, 198.51.100.2:2377; "
        f"take it out with 'docker swarm leave' on node-4, or {LIST}",
    ),
    (
        spoilt(FRESH, "node-4", swarm_state="active", swarm_manager=True, swarm_cluster_id="own"),
        "nodes/node-4: is declared a worker and manages the swarm own, "
        "of which no declared manager is a node; "
        "take it out with 'docker swarm leave --force' on node-4, or declare it a manager",
    ),
    (
        spoilt(SOUND, "node-4", swarm_address="198.51.100.4"),
        "nodes/node-4: is in the swarm as 198.51.100.4, not as 192.0.2.14; "
        "correct its address, or take it out with 'docker swarm leave' on node-4 and run again",
    ),
    (
        spoilt(SOUND, "node-3", swarm_state="locked"),
        "nodes/node-3: its swarm is locked; run 'docker swarm unlock' on it",
    ),
    (
        spoilt(SOUND, "node-5", swarm_node_id="id-of-node-4"),
        "nodes/node-5: is the same node of the swarm as node-4 (id-of-node-4); "
        "correct its address, or run 'docker swarm leave' on it if it is a clone of node-4",
    ),
    (
        spoilt(SOUND, "node-2", clock_skew_s=7.5),
        "nodes: node-2's clock is 7.2 s ahead of node-1's, more than 5 s; "
        "run a time service (chrony) on every node, or raise preflight.clock_skew_s",
    ),
    (
        far(23),
        "nodes/node-4: 23 ms away from node-5, more than 10 ms; "
        "put them nearer, or raise preflight.latency_ms",
    ),
    (
        taken_by_all("10.0.0.0/8"),
        f"network.subnet: 10.20.0.0/20 overlaps 10.0.0.0/8, which {ALL} reach by wg0; "
        "choose another range, or add routes to preflight.skip",
    ),
    (
        spoilt(SOUND, "node-2", routes=(route("172.30.7.0/24", "ens4"),)),
        "engine.address_pools[0].base: 172.30.0.0/16 overlaps 172.30.7.0/24, which node-2 reach by ens4; "
        "choose another range, or add routes to preflight.skip",
    ),
    (
        spoilt(SOUND, "node-2", mtu=1460),
        "network.mtu: takes 1500 bytes, Docker's default, but ens3 of node-2 only 1460; "
        "set it to 1460 or less, or raise the MTU of node-2",
    ),
    (
        heard(SOUND, "node-4", 1, {2377: SILENT, 7946: OPEN}),
        "nodes/node-4: node-1 (192.0.2.11) is silent at 2377/tcp; open 2377/tcp on node-1 and between them",
    ),
    (
        heard(SOUND, "node-4", 5, {2377: REFUSED, 7946: SILENT}),
        "nodes/node-4: node-5 (192.0.2.15) is silent at 7946/tcp; open 7946/tcp on node-5 and between them",
    ),
    (
        heard(SOUND, "node-4", 5, {2377: SILENT, 7946: SILENT, 22: SILENT}),
        "nodes/node-4: hears nothing from node-5 (192.0.2.15); "
        "see the routes and firewalls between them, or add ports to preflight.skip",
    ),
]


@pytest.mark.parametrize(
    ("system", "version", "engine"),
    [("debian", "13", "26.1.5+dfsg1"), ("ubuntu", "22.04", "29.1.3"), ("ubuntu", "24.04", "29.1.3")],
)
def test_newer_systems_and_their_engines_are_fit(system: str, version: str, engine: str) -> None:
    newer = SOUND
    for name in SOUND:
        newer = spoilt(newer, name, os_id=system, os_version=version, engine_version=engine)
    assert said(newer) == []


def test_sound_machines_have_no_fault_and_nothing_unseen() -> None:
    assert said(SOUND) == said(FRESH) == []
    assert unseen(PLAN, SOUND) == unseen(PLAN, FRESH) == []


@pytest.mark.parametrize("unread", ["overlays", "services"])
def test_networks_that_no_manager_could_list_are_told(unread: str) -> None:
    (sentence,) = unseen(PLAN, spoilt(SOUND, "node-1", **{unread: None}))
    assert sentence.startswith("no manager could list the swarm's networks and services")


def test_there_are_at_least_25_injected_faults() -> None:
    assert len({message for _, message in FAULTS}) == len(FAULTS) >= 25


@pytest.mark.parametrize(
    ("facts", "message"), FAULTS, ids=[message.partition(";")[0] for _, message in FAULTS]
)
def test_a_fault_is_said_with_place_and_remedy(facts: Machines, message: str) -> None:
    assert said(facts) == [message]


def test_all_faults_are_said_together() -> None:
    facts = spoilt(spoilt(SOUND, "node-1", cores=1, memory_mib=512), "node-2", hostname="x", mtu=1280)
    assert len(said(facts)) == 4


def test_a_declared_mtu_is_the_machines_networks_since_docker_deducts_its_own() -> None:
    small = spoilt(SOUND, "node-2", mtu=1460)
    assert said(small, network={"subnet": "10.20.0.0/20", "mtu": 1460}) == []
    assert said(SOUND, network={"subnet": "10.20.0.0/20", "mtu": 9000})[0].startswith(
        "network.mtu: takes 9000 bytes, but ens3 of node-1 only 1500; set it to 1500 or less"
    )


OFF: list[tuple[dict[str, Any], Machines]] = [
    ({"cores": 0}, spoilt(SOUND, "node-1", cores=1)),
    ({"memory_mib": 0}, spoilt(SOUND, "node-1", memory_mib=1)),
    ({"disk_gib": 0}, spoilt(SOUND, "node-1", disk_total_mib=1)),
    ({"latency_ms": 0}, far(99)),
    ({"clock_skew_s": 0}, spoilt(SOUND, "node-2", clock_skew_s=99.0)),
    ({"engine_version": None}, spoilt(SOUND, "node-1", engine_version="1.13.1")),
    ({"operating_systems": {}}, spoilt(SOUND, "node-1", os_id="arch")),
    ({"operating_systems": {"ubuntu": "16.04"}}, spoilt(SOUND, "node-1", os_version="18.04")),
    ({"skip": ["kernel"]}, spoilt(SOUND, "node-3", features={"esp4": "absent", "vxlan": "absent"})),
    ({"skip": ["mtu"]}, spoilt(SOUND, "node-2", mtu=1280)),
    ({"skip": ["routes"]}, taken_by_all("10.0.0.0/8")),
    ({"skip": ["ports"]}, heard(SOUND, "node-4", 5, {2377: SILENT, 7946: SILENT, 22: SILENT})),
]


@pytest.mark.parametrize(("rules", "facts"), OFF, ids=[str(rules) for rules, _ in OFF])
def test_each_minimum_can_be_changed_or_switched_off(rules: dict[str, Any], facts: Machines) -> None:
    everywhere: Machines = dict(facts)
    if rules.get("operating_systems") == {"ubuntu": "16.04"}:
        assert len(said(facts)) == 1
    assert said(facts) != []
    assert said(everywhere, preflight=rules) == []


def test_what_is_bought_as_16_gib_and_100_gb_is_enough() -> None:
    assert said(spoilt(SOUND, "node-1", memory_mib=15_600, disk_total_mib=95_400)) == []


def test_data_of_the_services_is_no_lack_of_disk() -> None:
    assert said(spoilt(SOUND, "node-1", disk_free_mib=4_000)) == []
    stopped = {"engine": "stopped", "engine_version": None, "swarm_state": None, "disk_free_mib": 4_000}
    assert said(spoilt(SOUND, "node-1", **stopped)) == []
    assert said(spoilt(SOUND, "node-4", swarm_state="inactive", disk_free_mib=4_000)) == []


def test_the_fastest_answer_of_either_counts() -> None:
    assert said(heard(far(400), "node-5", 4, {7946: Probe("open", 400), 2377: Probe("refused", 9)})) == []


def test_an_unencrypted_network_needs_no_esp() -> None:
    facts = spoilt(SOUND, "node-3", features={"esp4": "absent", "vxlan": "loaded", "overlay": "loaded"})
    assert said(facts, network={"subnet": "10.20.0.0/20", "encrypted": False}) == []


def test_a_firewall_that_the_run_mends_is_not_held_against_closed_ports() -> None:
    closed = heard(SOUND, "node-4", 5, {2377: REFUSED, 7946: SILENT})
    assert said(spoilt(closed, "node-5", firewall="changed")) == []
    assert said(spoilt(closed, "node-5", firewall="changed"), firewall={"enabled": False}) != []


def test_a_node_outside_the_swarm_may_refuse_its_ports() -> None:
    assert said(heard(spoilt(SOUND, "node-5", swarm_state="inactive"), "node-4", 5, {7946: REFUSED})) == []


def test_halves_of_the_internet_are_a_default_route() -> None:
    assert (
        said(spoilt(SOUND, "node-2", routes=(route("0.0.0.0/1", "tun0"), route("128.0.0.0/1", "tun0")))) == []
    )


def test_a_declared_manager_that_is_stopped_may_be_in_the_swarm_of_a_former_one() -> None:
    alone = spoilt(FRESH, "node-4", swarm_state="active", swarm_manager=True, swarm_cluster_id="own")
    assert len(said(alone)) == 1
    assert said(spoilt(alone, "node-1", engine="stopped", engine_version=None, swarm_state=None)) == []


def test_a_node_that_is_away_is_no_fault_and_is_told() -> None:
    away: Machines = {**SOUND, "node-5": Unreachable("no route to host")}
    away = heard(away, "node-4", 5, {2377: SILENT, 7946: SILENT, 22: SILENT})
    assert said(away) == []
    assert unseen(PLAN, away) == ["node-5 does not answer (no route to host): nothing is known of it"]


def test_what_is_unknown_is_no_fault_and_is_told() -> None:
    unknown: Machines = {**SOUND, "node-5": parse_facts("hostname node-5\nengine absent\n")}
    assert said(unknown) == []
    assert unseen(PLAN, unknown) == [
        "node-5: could not tell its operating system, its cores, its memory, its disk, its clock, "
        "daemon.json, the group docker, its sysctls, its firewall, its routes, the MTU of its interface, "
        "whether its kernel has ESP, which the encrypted network needs"
    ]


UNSEEN: list[tuple[Machines, str]] = [
    (spoilt(SOUND, "node-2", hostname=None), "node-2: could not tell its name"),
    (spoilt(SOUND, "node-2", os_version=None), "node-2: could not tell its operating system"),
    (
        spoilt(SOUND, "node-2", features={"overlay": "loaded", "vxlan": "loaded"}),
        "node-2: could not tell whether its kernel has ESP, which the encrypted network needs",
    ),
    (spoilt(SOUND, "node-4", engine="unknown"), "node-4: could not tell whether its engine runs"),
    (
        spoilt(SOUND, "node-2", engine_enabled=None),
        "node-2: could not tell whether its engine starts at boot",
    ),
    (spoilt(SOUND, "node-2", firewall=None), "node-2: could not tell its firewall"),
    (
        spoilt(spoilt(spoilt(SOUND, "node-1", members=None), "node-2", members=None), "node-3", members=None),
        "no manager could list the swarm's nodes: roles, availability and labels were not compared",
    ),
    (
        heard(FRESH, "node-1", 2, {7946: SILENT, 22: OPEN}),
        "node-1: could not tell whether node-2 lets 7946/tcp in, it is silent",
    ),
]


@pytest.mark.parametrize(("facts", "sentence"), UNSEEN, ids=[sentence for _, sentence in UNSEEN])
def test_each_unknown_fact_that_matters_is_told(facts: Machines, sentence: str) -> None:
    assert said(facts) == []
    assert unseen(PLAN, facts) == [sentence]


def test_no_facts_at_all_are_told_and_raise_nothing() -> None:
    nothing: Machines = dict.fromkeys(SOUND, parse_facts(""))
    assert said(nothing) == []
    assert len(unseen(PLAN, nothing)) == len(SOUND)
    assert unseen(PLAN, {})[0] == "node-1 was not asked: nothing is known of it"
