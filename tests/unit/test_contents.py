from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from components.contents import NAME_LENGTH, config_name, render, secret_name
from components.topology import Plan, Unit
from tests.unit.examples import declaration, settings


def test_a_name_changes_with_the_content_and_only_then() -> None:
    assert config_name("nginx", "nginx.conf.j2", "a") == config_name("nginx", "nginx.conf.j2", "a")
    assert config_name("nginx", "nginx.conf.j2", "a") != config_name("nginx", "nginx.conf.j2", "b")
    assert config_name("nginx", "nginx.conf.j2", "a").startswith("nginx.nginx-conf-")


def test_a_file_of_another_folder_has_one_name_for_all_who_mount_it() -> None:
    own = config_name("redis", "lib.sh", "a")
    assert own == config_name("redis-sentinel", "../server/lib.sh", "a")
    assert own.startswith("redis.lib-sh-")


def test_names_stay_within_what_swarm_takes_and_keep_their_hash() -> None:
    one, two = (config_name("s" * 60, "f.conf", text) for text in "ab")
    assert len(one) <= NAME_LENGTH
    assert one != two


def test_a_secrets_name_depends_on_value_and_key() -> None:
    names = {secret_name("token", value, key) for value in "ab" for key in "xy"}
    assert len(names) == 4


def test_templates_know_the_settings_and_refuse_unknown_names(tmp_path: Path) -> None:
    (tmp_path / "a.conf.j2").write_text("{{ settings.edge.domain }} {{ services.api.ports[0].port }}\n")
    (tmp_path / "b.conf.j2").write_text("{{ settings.edge.domian }}")
    service = declaration(
        folder=tmp_path,
        ports=[{"name": "http", "port": 8080}],
        configs=[{"file": name, "path": f"/{name}"} for name in ("a.conf.j2", "b.conf.j2")],
    )
    plan = Plan(settings(), (service,))
    unit = Unit("api", service, None)
    assert render(plan, unit, service.configs[0]) == "beta.example.com 8080\n"
    with pytest.raises(jinja2.UndefinedError, match="domian"):
        render(plan, unit, service.configs[1])


def test_a_template_knows_the_objects_that_its_service_declares(tmp_path: Path) -> None:
    (tmp_path / "users.j2").write_text("{{ objects.users | join(' ') }}\n")
    service = declaration(folder=tmp_path, configs=[{"file": "users.j2", "path": "/users"}])
    plan, unit = Plan(settings(), (service,)), Unit("api", service, None)
    with pytest.raises(jinja2.UndefinedError, match="users"):
        render(plan, unit, service.configs[0])
    (tmp_path / "objects.yaml").write_text("users: [app, exporter]\n")
    assert render(plan, unit, service.configs[0]) == "app exporter\n"
    (tmp_path / "objects.yaml").write_text("users: [app]\nusers: [exporter]\n")
    with pytest.raises(ValueError, match=r"objects\.yaml.*users"):
        render(plan, unit, service.configs[0])
