"""What can be known of RabbitMQ's folder without a server."""

from __future__ import annotations

import json
import re

import pytest

from components.reading import Reading, read
from components.stack import RawStack
from tests.unit import examples
from tests.unit.secret_values import sound

MEMBERS = ("rabbitmq-1", "rabbitmq-2", "rabbitmq-3")
REQUEST = re.compile(r"(PUT|POST) (/api/\S+) (\{.*\})")
USER = re.compile(r"USER (\w+) (\w+) ?(\w*)")


def reading(memory_mib: int = 1024) -> Reading:
    changes = {"rabbitmq": {"memory_mib": memory_mib, "reserve_memory_mib": 64}}
    return read(RawStack(examples.house(changes), sound()))


@pytest.fixture(scope="module")
def as_declared() -> Reading:
    return reading()


def settings(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split(" = ", 1) for line in lines)


@pytest.mark.parametrize(
    ("memory_mib", "publishers_wait_mib", "log_mib"), [(256, 179, 16), (1024, 716, 64), (8192, 5734, 256)]
)
def test_sizes_come_from_the_memory_limit(memory_mib: int, publishers_wait_mib: int, log_mib: int) -> None:
    for member in MEMBERS:
        held = settings(reading(memory_mib).texts[member, "rabbitmq.conf.j2"])
        assert held["vm_memory_high_watermark.absolute"] == f"{publishers_wait_mib}MiB"
        assert held["total_memory_available_override_value"] == f"{memory_mib}MiB"
        assert int(held["raft.wal_max_size_bytes"]) == log_mib * 1024 * 1024
        # A log is kept in memory until it is on the disk, the next one is begun meanwhile.
        assert 2 * log_mib <= publishers_wait_mib / 4


def test_nobody_is_let_in_without_a_password_and_queues_have_a_copy_on_each_member(
    as_declared: Reading,
) -> None:
    held = settings(as_declared.texts["rabbitmq-1", "rabbitmq.conf.j2"])
    assert held["anonymous_login_user"] == "none"
    assert held["prometheus.authentication.enabled"] == "true"
    assert held["default_queue_type"] == "quorum"
    assert held["quorum_queue.initial_cluster_size"] == str(len(MEMBERS))
    assert not [key for key in held if "default_user" in key or "default_pass" in key]


def test_every_object_is_a_request_or_a_user_with_a_mounted_secret(as_declared: Reading) -> None:
    text = as_declared.texts["rabbitmq-1", "objects.j2"]
    service = next(each for each in as_declared.plan.services if each.name == "rabbitmq")
    mounted = {secret.name for secret in service.secrets}
    users = set()
    for line in text.splitlines():
        if user := USER.fullmatch(line):
            users.add(user[1])
            assert user[2] in mounted
        elif line:
            request = REQUEST.fullmatch(line)
            assert request, line
            assert isinstance(json.loads(request[3]), dict)
    assert users == {"admin", "app", "exporter"}
    assert "PUT /api/vhosts/platform " in text
    assert text.index("/api/exchanges/platform/dead-letters") < text.index("/e/dead-letters/q/dead-letters")


def test_members_are_on_three_nodes_of_their_own(as_declared: Reading) -> None:
    service = next(each for each in as_declared.plan.services if each.name == "rabbitmq")
    homes = {unit.home for unit in as_declared.plan.units(service)}
    assert homes == {"node-2", "node-4", "node-5"}
