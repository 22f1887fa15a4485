from __future__ import annotations

import io
from concurrent.futures import Future
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from components.declaration import load_declarations
from components.secret_recipes import with_ingredients
from components.topology import draft
from lab.build import NotToBeHadError
from lab.catalog import load_images
from lab.declared import SERVICES
from lab.left_out import (
    NO_IMAGE,
    STATEFUL,
    WITHOUT,
    finished,
    needed,
    not_wanted,
    read_needs,
    with_dependents,
)
from lab.shell import LabError
from lab.stackfile import lab_config, write
from ops.secrets import idle
from ops.status import Cluster, Status, show
from tests.unit import examples
from tests.unit.test_lab_images import image
from tests.unit.test_lab_stackfile import IMAGES, LAB


def future(outcome: str | Exception) -> Future[str]:
    made: Future[str] = Future()
    if isinstance(outcome, Exception):
        made.set_exception(outcome)
    else:
        made.set_result(outcome)
    return made


def test_what_can_not_be_had_is_left_out_with_whatever_needs_it(tmp_path: Path) -> None:
    image(tmp_path, "mongodb", extra="services: [mongodb, mongodb-backup]\noptional: true\n")
    image(tmp_path, "web")
    made = {"mongodb": future(NotToBeHadError("npm: no answer")), "web": future("web:1")}
    local, missing = finished(load_images(tmp_path, tmp_path), made)
    assert local == {"web": "web:1"}
    assert missing["mongodb"] == missing["mongodb-backup"] == NO_IMAGE


def test_any_other_fault_of_an_image_ends_the_run(tmp_path: Path) -> None:
    image(tmp_path, "mongodb", extra="optional: true\n")
    with pytest.raises(LabError, match="out of disk"):
        finished(load_images(tmp_path, tmp_path), {"mongodb": future(LabError("out of disk"))})


def test_needs_are_followed_to_their_end_and_others_stay() -> None:
    needs = {"backup": ["db"], "report": ["backup"], "web": ["cache"]}
    assert with_dependents({"db": NO_IMAGE}, needs) == {
        "db": NO_IMAGE,
        "backup": "it needs db, which is left out",
        "report": "it needs backup, which is left out",
    }


def test_needs_are_read_from_the_declarations() -> None:
    folder = Path(__file__).resolve().parents[2] / "configs/services"
    assert "mongodb" in read_needs(folder)["mongodb-backup"]


def test_the_stack_file_disables_it_and_the_status_says_why() -> None:
    config = lab_config(LAB, IMAGES, {"mongodb": NO_IMAGE})
    services = config["platform-beta:services"]
    assert services["mongodb"] == {"enabled": False, "because": NO_IMAGE}
    without = draft(examples.settings(services=services), [examples.declaration("mongodb")]).off
    assert without == {"mongodb": NO_IMAGE}
    console = Console(file=io.StringIO(), width=200)
    assert show(Status(Cluster((), (), ()), {}), [], console, without)
    assert "mongodb is off: no image can be had here" in console.file.getvalue()  # type: ignore[attr-defined]


def test_what_is_named_is_left_out_with_its_dependents_and_unknown_names_are_faults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(WITHOUT, "mysql redis")
    left_out = not_wanted()
    assert set(left_out) == {
        *("mysql", "mysql-router", "mysql-backup", "nacos-schema", "nacos"),
        *("redis", "redis-sentinel", "redis-backup"),
    }
    assert left_out["mysql-router"] == "it needs mysql, which is left out"
    monkeypatch.setenv(WITHOUT, "mysqld")
    with pytest.raises(LabError, match="no service mysqld; there are backup-bucket, kafka, "):
        not_wanted()
    monkeypatch.delenv(WITHOUT)
    assert not_wanted() == {}


def test_what_is_stateful_is_left_out_by_one_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WITHOUT, "mysql redis mongodb kafka rabbitmq nacos rocketmq-namesrv rocketmq-broker")
    named = not_wanted()
    monkeypatch.setenv(WITHOUT, STATEFUL)
    assert not_wanted() == named
    monkeypatch.setenv(WITHOUT, f"nginx {STATEFUL}")
    assert not_wanted() == {"nginx": "LAB_WITHOUT says so", **named}


def test_stateful_services_that_need_each_other_are_left_out_as_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, need in {"a": "b", "b": "a", "web": "a", "other": "web"}.items():
        own = {"needs": [need], **({} if name in ("web", "other") else {"stateful": True, "members": [{}]})}
        (tmp_path / name / "server").mkdir(parents=True)
        (tmp_path / name / "server" / "service.yaml").write_text(yaml.safe_dump(own))
    monkeypatch.setenv(WITHOUT, STATEFUL)
    assert set(not_wanted(tmp_path)) == {"a", "b", "web", "other"}


def test_images_go_with_the_last_service_that_runs_them_and_those_of_tests_wait_for_a_test() -> None:
    images = load_images()
    assert needed(images, {}) == [image for image in images if not image.file.tests]
    without = {found.name for found in needed(images, left("mysql redis"))}
    assert {"node", "registry", "base-sid", "nginx", "mongodb"} <= without
    assert not {"mysql", "mysql-backup", "haproxy", "redis", "ledger", "bucket"} & without


def left(names: str) -> dict[str, str]:
    return with_dependents(dict.fromkeys(names.split(), "said"), read_needs(SERVICES))


def test_a_base_goes_with_the_last_image_on_it_and_a_shared_image_stays(tmp_path: Path) -> None:
    image(tmp_path, "base-x")
    image(tmp_path, "base-y", base="base-x")
    image(tmp_path, "db", base="base-y")
    image(tmp_path, "shared", extra="services: [db-backup, web]\n")
    images = load_images(tmp_path, tmp_path)
    assert [found.name for found in needed(images, dict.fromkeys(("db", "db-backup"), ""))] == ["shared"]
    assert needed(images, {"db-backup": ""}) == images


def test_what_was_left_out_is_on_again_when_nobody_says_so_any_more(tmp_path: Path) -> None:
    file, record = tmp_path / "Pulumi.lab.yaml", tmp_path / "stack.yaml"
    for left_out in ({"nginx": "said"}, {}):
        write(file, lab_config(LAB, IMAGES, left_out), record=record, keep_old=True)
    services = yaml.safe_load(file.read_text())["config"]["platform-beta:services"]
    assert services == {"nginx": {"image": IMAGES["nginx"]}}


def test_secrets_of_what_is_left_out_are_not_made_and_everything_else_is() -> None:
    declared, recipes = load_declarations(SERVICES, []), examples.recipes()
    services = {name: {"enabled": False} for name in left("mysql redis mongodb")}
    off = idle(examples.settings(services=services), declared)
    made = with_ingredients(recipes, recipes.keys() - off)
    assert {"naming_key", "edge_ca_key", "edge_ca_certificate", "edge_tls_key"} <= set(made)
    assert not {"mysql_root_password", "redis_admin_password", "mongodb_keyfile"} & set(made)
    everything = with_ingredients(recipes, recipes.keys() - idle(examples.settings(), declared))
    assert set(recipes) - set(everything) == {"bucket_access_key", "bucket_secret_key"}


def test_an_unused_secret_is_made_where_a_wanted_one_is_made_of_it() -> None:
    recipes = examples.recipes()
    unused = frozenset({"edge_tls_key", "edge_ca_certificate", "edge_ca_key", "api_token"})
    assert set(recipes) - set(with_ingredients(recipes, recipes.keys() - unused)) == {"api_token"}
    unused |= {"edge_tls_certificate"}
    assert set(recipes) - set(with_ingredients(recipes, recipes.keys() - unused)) == unused
