from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lab import host_facts
from lab.host_rules import (
    CAPABILITIES,
    HostFacts,
    Probe,
    available_memory_mib,
    bounding_set,
    faults,
    go_version,
    unknowns,
)

ROOT = Path(__file__).resolve().parents[2]
WORKS = Probe(True)
FIT = HostFacts(
    system="Linux",
    root=True,
    python=(3, 11),
    go="go version go1.21.0 linux/amd64",
    go_needed=True,
    bounding_set=0x1FFFEFFFFFF,  # all but SYS_RESOURCE
    kernel=dict.fromkeys(("overlay file system", "VXLAN", "bridge netfilter", "iptables NAT"), WORKS),
    free_disk_gb={"/": 25.0},
    available_memory_mib=12 * 1024,
    lab_running=False,
    warm=False,
    registries={"pip": WORKS, "apt": WORKS, "go": WORKS},
)


def told(facts: HostFacts) -> str:
    return "\n".join(map(str, faults(facts)))


def test_a_machine_that_just_suffices_has_no_fault() -> None:
    assert faults(FIT) == []
    assert unknowns(FIT) == []


@pytest.mark.parametrize(
    ("facts", "where", "remedy"),
    [
        (replace(FIT, root=False), "user", "run as root"),
        (replace(FIT, python=(3, 10)), "python3: 3.10", "install newer"),
        (replace(FIT, go=""), "go: not found", "install Go 1.21"),
        (replace(FIT, go="go version go1.19.8 linux/amd64"), "go1.19.8", "install Go 1.21"),
        (replace(FIT, free_disk_gb={"/": 24.9}), "disk /: 24.9 GB free, 25 needed", "free some"),
        (replace(FIT, available_memory_mib=12 * 1024 - 1), "memory: 12287 MiB", "stop what uses it"),
        (
            replace(FIT, kernel={"VXLAN": Probe(False, "not supported")}),
            "VXLAN does not work (not supp",
            "modprobe",
        ),
        (
            replace(FIT, registries={"pip": Probe(False, "timed out")}),
            "packages by pip: no answer (timed",
            "pip.conf",
        ),
    ],
)
def test_one_shortcoming_is_one_fault_with_its_remedy(facts: HostFacts, where: str, remedy: str) -> None:
    found = faults(facts)
    assert len(found) == 1
    assert where in str(found[0])
    assert remedy in found[0].remedy


def test_every_fault_is_told_at_once() -> None:
    facts = replace(FIT, root=False, go="", bounding_set=0, free_disk_gb={"/": 1.0, "/data": 1.0})
    assert [fault.where for fault in faults(facts)] == ["user", "go", "capabilities", "disk /", "disk /data"]


def test_missing_capabilities_are_named_and_only_they() -> None:
    without = FIT.bounding_set & ~(1 << CAPABILITIES["SYS_ADMIN"]) & ~(1 << CAPABILITIES["NET_ADMIN"])
    assert "lacks NET_ADMIN, SYS_ADMIN;" in told(replace(FIT, bounding_set=without))


def test_another_system_is_told_without_consequential_faults() -> None:
    facts = replace(FIT, system="Darwin", bounding_set=0, root=False)
    assert [fault.where for fault in faults(facts)] == ["host"]


def test_go_is_not_asked_for_when_pulumi_is_there() -> None:
    assert faults(replace(FIT, go="", go_needed=False)) == []


def test_a_running_lab_has_its_memory_already() -> None:
    assert faults(replace(FIT, available_memory_mib=100, lab_running=True)) == []


def test_a_warm_machine_needs_room_for_data_only() -> None:
    assert faults(replace(FIT, warm=True, free_disk_gb={"/": 5.0})) == []
    assert "5 needed" in told(replace(FIT, warm=True, free_disk_gb={"/": 4.9}))


def test_what_could_not_be_asked_is_no_fault_but_is_told() -> None:
    facts = replace(FIT, kernel={"VXLAN": Probe(None, "ip is not installed yet")}, available_memory_mib=None)
    assert faults(facts) == []
    assert unknowns(facts) == ["VXLAN: ip is not installed yet", "memory: /proc/meminfo unreadable"]


def test_every_probe_has_a_remedy() -> None:
    broken = Probe(False, "broken")
    kernel = dict.fromkeys([*host_facts.IN_NAMESPACE, "overlay file system"], broken)
    registries = dict.fromkeys(host_facts.REGISTRIES, broken)
    found = faults(replace(FIT, kernel=kernel, registries=registries))
    assert len(found) == len(kernel) + len(registries)
    assert all(fault.remedy for fault in found)


def test_proc_files_are_read() -> None:
    assert bounding_set("CapEff:\t0000000000000001\nCapBnd:\t000001fffeffffff\n") == 0x1FFFEFFFFFF
    assert bounding_set("") == 0
    assert available_memory_mib("MemTotal: 4096 kB\nMemAvailable:   20480 kB\n") == 20
    assert available_memory_mib("") is None


@pytest.mark.parametrize(
    ("text", "version"),
    [("go version go1.26.8 linux/amd64", (1, 26)), ("go version go2.0rc1 x", (2, 0)), ("what?", (0, 0))],
)
def test_go_versions_are_read(text: str, version: tuple[int, int]) -> None:
    assert go_version(text) == version


def test_a_command_that_fails_has_no_value_and_its_last_words_are_kept() -> None:
    assert host_facts.value("no-such-program-here") == ""
    assert host_facts.value("ls /no/such/file") == ""
    probe = host_facts.probed(host_facts.run("sh -c", "echo first >&2; echo last >&2; exit 3"))
    assert probe == Probe(False, "last")


def test_a_probe_that_got_no_namespace_says_nothing_about_the_kernel() -> None:
    refused = subprocess.CompletedProcess([], 1, "", "unshare: unshare failed: Operation not permitted\n")
    assert host_facts.probed(refused).works is None


def test_a_command_that_hangs_is_given_up() -> None:
    done = host_facts.run("sleep 5", limit_s=0.1)
    assert (done.returncode, done.stderr) == (124, "nothing within 0 s")


def test_one_file_system_is_counted_once(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    assert list(host_facts.free_disk_gb([tmp_path, tmp_path / "inner"])) == [str(tmp_path)]


def test_it_needs_nothing_but_the_standard_library() -> None:
    script = "import sys; sys.argv=['x']; sys.path[:0]=['lab']; import check_host; print(len(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import os; os.chdir({str(ROOT)!r}); {script}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
