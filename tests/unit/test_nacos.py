"""What can be known of Nacos' folders without a server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components.declaration import Declaration
from components.reading import Reading, read
from components.stack import RawStack
from tests.unit import examples
from tests.unit.secret_values import sound

SERVICES = Path(__file__).resolve().parents[2] / "configs/services"
SERVER, SCHEMA = SERVICES / "nacos/server", SERVICES / "nacos/schema"


def reading(**nacos: object) -> Reading:
    return read(RawStack(examples.house({"nacos": nacos}), sound()))


def service(found: Reading, name: str) -> Declaration:
    return next(each for each in found.plan.services if each.name == name)


def test_members_live_on_the_managers_each_on_its_own() -> None:
    found = reading()
    homes = {unit.name: unit.home for unit in found.plan.units(service(found, "nacos"))}
    assert sorted(homes.items()) == [("nacos-1", "node-1"), ("nacos-2", "node-2"), ("nacos-3", "node-3")]


def test_every_member_knows_all_from_its_first_start() -> None:
    texts = {reading().texts[f"nacos-{number}", "java.options.j2"] for number in (1, 2, 3)}
    assert len(texts) == 1
    assert "-Dnacos.member.list=nacos-1:8848,nacos-2:8848,nacos-3:8848\n" in texts.pop()


@pytest.mark.parametrize(("memory_mib", "heap", "small"), [(768, 307, True), (2048, 819, False)])
def test_sizes_follow_the_memory_limit(memory_mib: int, heap: int, small: bool) -> None:
    text = reading(memory_mib=memory_mib, reserve_memory_mib=256).texts["nacos-1", "java.options.j2"]
    sizes = dict(re.findall(r"^-(?:XX:)?(\w+?)=?([0-9]+)m$", text, re.MULTILINE))
    assert (sizes["Xms"], sizes["Xmx"]) == (str(heap), str(heap))
    assert sum(map(int, sizes.values())) - heap < memory_mib
    assert ("-XX:TieredStopAtLevel=1\n" in text) == small


def test_each_placeholder_is_a_secret_that_the_start_fills_in_and_the_service_mounts() -> None:
    named = set(re.findall(r"@(\w+)@", (SERVER / "application.properties.j2").read_text()))
    filled = re.search(r"SECRETS=\((.*)\)", (SERVER / "start.sh").read_text())
    assert filled
    assert named == set(filled[1].split())
    assert named <= {secret.name for secret in service(reading(), "nacos").secrets}


def test_every_way_in_asks_for_credentials_and_no_token_gets_into_a_log() -> None:
    lines = (SERVER / "application.properties.j2").read_text().splitlines()
    for key in ("nacos.core.auth", "nacos.core.auth.admin", "nacos.core.auth.console"):
        assert f"{key}.enabled=true" in lines
    assert "server.tomcat.accesslog.enabled=false" in lines
    assert all("set -x" not in path.read_text().replace("(set -x)", "") for path in SERVER.glob("*.sh"))


def test_what_is_declared_has_its_users_secrets_mounted() -> None:
    found = reading()
    lines = [line.split() for line in found.texts["nacos-1", "objects.j2"].splitlines() if line]
    users = {words[1]: words[2] for words in lines if words[0] == "user"}
    assert set(users.values()) <= {secret.name for secret in service(found, "nacos").secrets}
    assert {words[1] for words in lines if words[0] == "permission"} <= users.keys()


def test_the_schema_is_there_before_a_member_starts_and_only_its_service_may_change_it() -> None:
    found = reading()
    order = [each.name for each in found.plan.services]
    assert order.index("mysql-router") < order.index("nacos-schema") < order.index("nacos")
    assert "nacos_schema_password" not in {secret.name for secret in service(found, "nacos").secrets}
    assert found.texts["mysql-1", "databases.j2"].splitlines()[1:] == [
        "nacos nacos_schema nacos_schema_password schema",
        "nacos nacos nacos_database_password data",
    ]
    assert {"nacos_database_password", "nacos_schema_password"} <= {
        secret.name for secret in service(found, "mysql").secrets
    }


def test_every_version_of_the_schema_is_mounted_and_each_table_has_a_primary_key() -> None:
    versions = sorted((SCHEMA / "versions").iterdir())
    mounted = {config.file for config in service(reading(), "nacos-schema").configs}
    assert {f"versions/{path.name}" for path in versions} <= mounted
    for path in versions:
        tables = re.findall(r"CREATE TABLE.*?;", path.read_text(), re.DOTALL)
        assert tables
        assert [table for table in tables if "PRIMARY KEY" not in table] == []
