"""What must hold of the Redis services, read from their files alone."""

from __future__ import annotations

import posixpath
import re
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from components.contents import render
from components.declaration import load_declarations
from components.task import environment
from components.topology import Plan, draft
from tests.unit import examples

ROOT = Path(__file__).parents[2]
SERVICES = ROOT / "configs/services"
NAMES = ("redis", "redis-sentinel", "redis-backup")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return draft(examples.settings(), load_declarations(SERVICES, []))


def text(plan: Plan, service: str, file: str) -> str:
    declared = next(each for each in plan.services if each.name == service)
    config = next(each for each in declared.configs if each.file == file)
    return render(plan, plan.units(declared)[0], config)


def homes(plan: Plan, service: str) -> set[str | None]:
    return {unit.home for each in plan.services if each.name == service for unit in plan.units(each)}


def test_sentinels_live_where_the_members_live_three_nodes_each(plan: Plan) -> None:
    assert len(homes(plan, "redis")) == 3
    assert homes(plan, "redis") == homes(plan, "redis-sentinel")
    assert not homes(plan, "redis-backup") & homes(plan, "redis")


def test_a_master_without_a_replica_takes_no_writes(plan: Plan) -> None:
    conf = text(plan, "redis", "redis.conf.j2")
    assert "\nmin-replicas-to-write 1\n" in conf
    assert "\nmin-replicas-max-lag 5\n" in conf
    assert "\nappendonly yes\n" in conf


def test_memory_follows_the_limit_of_the_service(plan: Plan) -> None:
    redis = next(each for each in plan.services if each.name == "redis")
    bigger = redis.model_copy(update={"resources": redis.resources.model_copy(update={"memory_mib": 1000})})
    changed = Plan(plan.settings, (bigger, *(each for each in plan.services if each.name != "redis")))
    assert "\nmaxmemory 600mb\n" in text(changed, "redis", "redis.conf.j2")


def test_everybody_knows_all_names(plan: Plan) -> None:
    for service in (each for each in plan.services if each.name in NAMES):
        known = environment(plan, plan.units(service)[0])
        assert known["REDIS_MEMBERS"] == "redis-1 redis-2 redis-3"
        assert known["REDIS_SENTINEL_MEMBERS"] == "redis-sentinel-1 redis-sentinel-2 redis-sentinel-3"


def test_sentinels_settings_are_for_the_name_that_the_scripts_use(plan: Plan) -> None:
    (name,) = re.findall(
        r"MASTER_NAME=(\S+)$", (SERVICES / "redis/server/peers.sh").read_text(), re.MULTILINE
    )
    conf = text(plan, "redis-sentinel", "sentinel.conf.j2")
    named = re.findall(
        r"^sentinel (?:down-after-milliseconds|failover-timeout|parallel-syncs) (\S+)", conf, re.MULTILINE
    )
    assert named == [name] * 3


def test_stopping_takes_no_longer_than_swarm_allows(plan: Plan) -> None:
    script = (SERVICES / "redis/server/switchover.sh").read_text()
    redis = next(each for each in plan.services if each.name == "redis")
    shares = {name: int(value) for name, value in re.findall(r"\b([A-Z_]+_(?:S|MS))=(\d+)", script)}
    conf = text(plan, "redis", "redis.conf.j2")
    assert f"\nshutdown-timeout {shares['SHUTDOWN_S']}\n" in conf
    script += '\necho "$COMPLETE_WITHIN_S"'
    done = subprocess.run(
        ["bash"], input=script, env={"STOP_GRACE_S": str(redis.stop.grace_s)}, capture_output=True, text=True
    )
    waits = [int(done.stdout), shares["CAUGHT_UP_S"], shares["SWITCHED_S"]]
    assert waits[0] >= 20, "time for the member before this one to be back in sync"
    assert sum(waits) + shares["SHUTDOWN_S"] < redis.stop.grace_s
    assert shares["PAUSE_MS"] > 1000 * sum(waits[1:]), "writes must wait until another leads"


def test_nothing_is_published_and_every_script_is_mounted(plan: Plan) -> None:
    for service in (each for each in plan.services if each.name in NAMES):
        assert not any(port.published for port in service.ports)
        mounted = {str(config.path) for config in service.configs}
        for config in (each for each in service.configs if each.file.endswith(".sh")):
            script = (service.folder / config.file).read_text()
            beside = re.findall(r'^\. "\$\{BASH_SOURCE\[0\]%/\*\}/(\S+)"', script, re.MULTILINE)
            sourced = {posixpath.normpath(config.path.parent / name) for name in beside}
            sourced |= set(re.findall(r"source (/\S+)", script))
            for names in re.findall(r"for file in ([\w ]+); do", script):
                sourced |= {f"/etc/redis/{name}.sh" for name in names.split()}
            assert sourced <= mounted, (service.name, config.file)


def test_what_scripts_read_as_secrets_is_mounted_and_can_be_made(plan: Plan) -> None:
    recipes = examples.recipes()
    for service in (each for each in plan.services if each.name in NAMES):
        secrets = {secret.name for secret in service.secrets}
        assert secrets <= recipes.keys()
        own = [
            config for config in service.configs if config.file.endswith(".sh") and "users" not in config.file
        ]
        for config in own:
            script = (service.folder / config.file).read_text()
            asked = re.findall(r"secret (redis_\w+)", script)
            asked += [
                f"redis_{user}_password" for user in re.findall(r"as_user ([a-z]+)$", script, re.MULTILINE)
            ]
            assert set(asked) <= secrets, config.file


def users(function: str, tmp_path: Path) -> dict[str, str]:
    """The ACL file as the real script writes it, by user."""
    script = (SERVICES / "redis/server/users.sh").read_text()
    body = f'secret() {{ SECRET="value-of-$1"; }}\n{script}\n{function}'
    done = subprocess.run(["bash", "-eu"], input=body, capture_output=True, text=True, check=True)
    return {line.split()[1]: line for line in done.stdout.splitlines()}


@pytest.mark.parametrize("function", ["member_users", "sentinel_users"])
def test_the_default_user_is_off_and_passwords_are_digests(function: str, tmp_path: Path) -> None:
    acl = users(function, tmp_path)
    assert acl.pop("default") == "user default reset off"
    for name, line in acl.items():
        assert f"#{sha256(f'value-of-redis_{name}_password'.encode()).hexdigest()}" in line
        assert not re.search(r"\s>|nopass", line)
        everything = ("admin", "app") if function == "member_users" else ("admin",)
        assert ("+@all" in line.split()) == (name in everything)


def test_the_app_may_wait_and_ask_for_its_role_but_not_administer(tmp_path: Path) -> None:
    rights = users("member_users", tmp_path)["app"].split()
    assert {"+wait", "+waitaof", "+role", "-@admin", "-@dangerous"} <= set(rights)
    assert rights.index("-@dangerous") < rights.index("+role")


def test_the_exporter_cannot_read_the_settings_in_which_passwords_are(tmp_path: Path) -> None:
    for function in ("member_users", "sentinel_users"):
        assert "config" not in users(function, tmp_path)["exporter"]
