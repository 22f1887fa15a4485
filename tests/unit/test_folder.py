"""Adding a service touches its own folder only: a made-up one is put into a copy of configs/; all take it."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from components.declaration import Declaration, load_declarations
from components.errors import ConfigurationError, Fault
from components.observation import Observation
from components.reading import CONFIGS, Reading, read
from components.secret_recipes import Certificate, Recipes, load_recipes
from components.stack import RawStack
from lab.catalog import load_images
from lab.left_out import STATEFUL, WITHOUT, needed, not_wanted
from lab.plugins.docker.service_spec import service_spec
from lab.shell import LabError
from lab.stackfile import lab_config
from ops import secrets
from ops.secrets import Values, edge_names, missing
from tests.lab.kit import load_kits
from tests.lab.stores import Store
from tests.program.recorder import SERVICE, Recorder, new_recorder, run_program
from tests.unit import examples
from tests.unit.chains import NOW
from tests.unit.machines import a_plan, machines
from tests.unit.secret_values import make
from tests.unit.test_lab_stackfile import LAB

ROOT = Path(__file__).resolve().parents[2]
STORES = re.compile("mysql|redis|mongo")
#: Of tests/lab, what does harm to every service with a `role` hook.
GENERIC = ("kit", "stores", "ledger", "writer", "faults", "data/test_conformance", "data/test_failover")
#: What a service of three members brings, and nothing else is written.
FOLDERS = {
    "queue/server/service.yaml": """
description: a queue of three members
image: queue:4.1.0@sha256:{digest}
members: [{{name: queue-1}}, {{name: queue-2}}, {{name: queue-3}}]
resources: {{cpus: 1, memory_mib: 2048}}
ports: [{{name: queue, port: 5000}}]
command: [bash, /etc/queue/start.sh]
configs: [{{file: start.sh, path: /etc/queue/start.sh, mode: "0555"}}]
secrets:
  - {{name: internal_ca_certificate, path: /run/secrets/ca}}
  - {{name: queue_tls_certificate, path: /run/secrets/certificate}}
  - {{name: queue_tls_key, path: /run/secrets/key}}
  - {{name: queue_app_password, path: /run/secrets/app}}
  - {{name: queue_backup_password, path: /run/secrets/backup}}
volumes: [{{name: data, path: /data}}]
hooks: {{role: [role]}}
stateful: true
""",
    "queue/server/conformance/kit.yaml": """
secrets: [queue_app_password]
image: queue-client
variants: {{unconfirmed: {{promised: false}}}}
server: pidof queued
members: queuectl members
first_write_s: 20
prefers_first: false
change: {{file: start.sh, old: --data, new: --quiet --data}}
refused:
  no password: {{command: queuectl put, answer: needs a password}}
""",
    "queue/server/conformance/client.py": """
class Client:
    def __init__(self, run, variant=''):
        self.found = set()

    def write(self, number):
        self.found.add(number)

    def numbers(self):
        return self.found

    def close(self):
        pass
""",
    "queue/server/conformance/lab-image/image.yaml": """
base: base-sid
tag: "1"
tests: true
""",
    "queue/server/conformance/lab-image/Dockerfile": "ARG BASE\nFROM $BASE\n",
    "queue/server/secrets.yaml": """
queue_tls_key: {{kind: key}}
queue_tls_certificate:
  {{kind: certificate, key: queue_tls_key, ca: internal_ca_certificate, names: members,
    days: 397, renew_days: 30}}
queue_app_password: {{kind: password, refused: [queue-example-password]}}
queue_backup_password: {{kind: password}}
""",
    "queue/server/lab.yaml": "memory_mib: 256\n",
    "queue/server/lab-image/image.yaml": """
official: queue:4.1.0@sha256:{digest}
base: base-sid
tag: "4.1"
services: [queue, queue-backup]
""",
    "queue/server/lab-image/Dockerfile": "ARG BASE\nFROM $BASE\n",
    "queue/server/start.sh": "exec queued --data /data\n",
    "queue/router/service.yaml": """
description: leads to the queue's leader
image: router:1.0.0@sha256:{digest}
aliases: [queues]
resources: {{cpus: 1, memory_mib: 64}}
needs: [queue]
""",
    "queue/backup/service.yaml": """
description: backups of the queue
image: queue:4.1.0@sha256:{digest}
members: [{{name: queue-backup, labels: {{backup: "true"}}}}]
resources: {{cpus: 1, memory_mib: 128}}
secrets: [{{name: queue_backup_password, path: /run/secrets/backup}}]
volumes: [{{name: kept, path: /backup, shared_with: backup-bucket}}]
needs: [queue]
stateful: true
""",
}
CONFIG, SECRET = "docker:index/serviceConfig:ServiceConfig", "docker:index/secret:Secret"
NAMES = ("queue", "queue-1", "queue-2", "queue-3", "queues", "localhost")
BUCKET = {"BUCKET_ENDPOINT": "https://s3.example.com", "BUCKET_NAME": "backups"}


@dataclass(frozen=True)
class Project:
    """A copy of the project's configs."""

    root: Path

    @property
    def services(self) -> Path:
        return self.root / "configs" / "services"

    @property
    def declared(self) -> tuple[Declaration, ...]:
        return load_declarations(self.services, [])

    @property
    def recipes(self) -> Recipes:
        faults: list[Fault] = []
        found = load_recipes(self.root / "configs" / "secrets.yaml", self.services, self.declared, faults)
        assert faults == []
        return found

    def read(self, values: Values) -> Reading:
        """What `ops validate` and the program do first. Raises ConfigurationError."""
        given = examples.house({"backup-bucket": {"enabled": True, "environment": BUCKET}})
        return read(RawStack(given, values), self.services, self.root / "configs" / "secrets.yaml")

    def add_member(self, service: str, member: str) -> None:
        file = self.services / service / "server" / "service.yaml"
        document = yaml.safe_load(file.read_text())
        document["members"].append({"name": member})
        file.write_text(yaml.safe_dump(document))


def with_queue(root: Path) -> Project:
    """A copy with the made-up service."""
    shutil.copytree(CONFIGS, root / "configs")
    for path, text in FOLDERS.items():
        file = root / "configs" / "services" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.format(digest="a" * 64).lstrip())
    return Project(root)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return with_queue(tmp_path)


@pytest.fixture
def as_it_is(tmp_path: Path) -> Project:
    """A copy without the made-up service."""
    shutil.copytree(CONFIGS, tmp_path / "configs")
    return Project(tmp_path)


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Values:
    """Secrets as `make secrets` makes them for all services and the made-up one."""
    return make(with_queue(tmp_path_factory.mktemp("values")).recipes)


def test_the_copy_differs_in_the_new_folders_alone(project: Project) -> None:
    added = files(project.root / "configs") - files(CONFIGS)
    assert {path.split("/")[1] for path, _ in added} == {"queue"}
    assert files(CONFIGS) <= files(project.root / "configs")


def files(folder: Path) -> set[tuple[str, bytes]]:
    return {
        (str(file.relative_to(folder)), file.read_bytes()) for file in folder.rglob("*") if file.is_file()
    }


def test_the_loader_takes_it_and_places_each_member_on_a_node_of_its_own(
    project: Project, values: Values
) -> None:
    plan = project.read(values).plan
    queue = next(service for service in plan.services if service.name == "queue")
    homes = [unit.home for unit in plan.units(queue)]
    assert len({*homes} - {None}) == 3


def test_its_secrets_are_made(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    written: Values = {}
    monkeypatch.setattr(secrets, "stored_secrets", lambda root, stack: {})
    monkeypatch.setattr(secrets, "_write", lambda root, stack, name, value: written.update({name: value}))
    list(secrets.ensure(project.root, "test", examples.settings()))
    assert {name for name in written if name.startswith("queue")} == {
        *("queue_tls_key", "queue_tls_certificate", "queue_app_password", "queue_backup_password")
    }
    assert dns_names(written["queue_tls_certificate"]) == NAMES


def dns_names(pem: str) -> tuple[str, ...]:
    held = x509.load_pem_x509_certificate(pem.encode())
    names = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return tuple(names.get_values_for_type(x509.DNSName))


def test_its_published_password_is_refused_for_every_secret(project: Project, values: Values) -> None:
    with pytest.raises(ConfigurationError, match=r"secrets\.api_token: is a password that was published"):
        project.read({**values, "api_token": "queue-example-password"})


@pytest.mark.parametrize("service", ["queue", "mysql"])
def test_a_fourth_member_is_named_by_a_new_certificate(
    project: Project, values: Values, service: str
) -> None:
    project.add_member(service, f"{service}-4")
    edge = edge_names(examples.settings(), project.declared)
    recipes = project.recipes
    anew = {name: missing(name, recipes, values, edge, NOW) for name in recipes}
    (changed,) = [name for name, value in anew.items() if value is not None]
    assert changed == f"{service}_tls_certificate"
    assert f"{service}-4" in dns_names(anew[changed] or "")


def test_no_certificate_of_an_existing_environment_gets_other_names() -> None:
    named = {
        name: recipe.names for name, recipe in examples.recipes().items() if isinstance(recipe, Certificate)
    }
    assert named == {
        "edge_tls_certificate": (),
        "mysql_tls_certificate": ("mysql", "mysql-1", "mysql-2", "mysql-3", "localhost"),
    }
    assert examples.edge().addresses == ("192.0.2.11", "192.0.2.12")


@pytest.fixture
def recorder() -> Recorder:
    return new_recorder()


def declared_under_mocks(project: Project, values: Values) -> None:
    needed_values = {secret.name for each in project.declared for secret in each.secrets} | {"naming_key"}
    given = {name: values[name] for name in needed_values}
    run_program(project.read(given), Observation(machines(a_plan()), {}, ()), given)


def test_the_program_declares_its_services_configs_and_secrets(
    project: Project, values: Values, recorder: Recorder
) -> None:
    declared_under_mocks(project, values)
    services = recorder.inputs(SERVICE)
    assert {"queue-1", "queue-2", "queue-3", "queue-router", "queue-backup"} <= set(services)
    assert len([name for name in recorder.inputs(CONFIG) if name.startswith("queue.start-sh-")]) == 1
    made = {name.rpartition("-")[0] for name in recorder.inputs(SECRET)}
    assert {"queue_tls_key", "queue_tls_certificate", "queue_app_password"} <= made
    container = services["queue-1"]["taskSpec"]["containerSpec"]
    assert {secret["secretName"].rpartition("-")[0] for secret in container["secrets"]} == {
        *("internal_ca_certificate", "queue_tls_certificate", "queue_tls_key"),
        *("queue_app_password", "queue_backup_password"),
    }
    bucket = services["backup-bucket"]["taskSpec"]["containerSpec"]["mounts"]
    assert volume("queue-backup-kept", "/backups/queue") in bucket


def volume(source: str, target: str) -> dict[str, Any]:
    return {"type": "volume", "source": source, "target": target}


def test_the_bucket_is_sent_to_the_engine_as_before_it_had_its_members_by_their_own_word(
    as_it_is: Project, values: Values, recorder: Recorder
) -> None:
    declared_under_mocks(as_it_is, values)
    bucket = recorder.inputs(SERVICE)["backup-bucket"]
    mounts = bucket["taskSpec"]["containerSpec"]["mounts"]
    before = [
        volume("mysql-backup-backup", "/backups/mysql"),
        volume("redis-backup-data", "/backups/redis"),
        volume("mongodb-backup-data", "/backups/mongodb"),
        {"type": "tmpfs", "target": "/tmp", "tmpfsOptions": {"sizeBytes": 32 * 1024 * 1024}},
    ]
    container = {**bucket["taskSpec"]["containerSpec"], "mounts": before}
    was = {**bucket, "taskSpec": {**bucket["taskSpec"], "containerSpec": container}}
    assert mounts != before  # a set to Pulumi and to Terraform: another order is no change
    assert service_spec(bucket) == service_spec(was)


def test_the_labs_images_have_its_own(project: Project) -> None:
    images = {image.name: image for image in load_images(services=project.services)}
    assert images["queue"].folder == project.services / "queue" / "server" / "lab-image"
    assert images["queue"].services == ("queue", "queue-backup")
    assert images["queue-client"].services == ()
    assert images.keys() - {image.name for image in load_images()} == {"queue", "queue-client"}


def test_the_conformance_kit_has_its_clients(project: Project, values: Values) -> None:
    kits = {kit.service: kit for kit in load_kits(project.services)}
    assert kits.keys() - {kit.service for kit in load_kits()} == {"queue"}
    assert [(client.name, client.promised, client.image) for client in kits["queue"].clients] == [
        ("queue", True, "queue-client"),
        ("queue-unconfirmed", False, "queue-client"),
    ]
    store = Store(project.read(values).plan, kits["queue"])
    assert (store.role, list(store.homes)) == ("role", ["queue-1", "queue-2", "queue-3"])


def test_two_folders_for_one_image_are_a_fault(project: Project) -> None:
    shutil.copytree(project.services / "queue/server/lab-image", project.services / "nginx/server/lab-image")
    with pytest.raises(LabError, match="lab/images/nginx makes an image of this name; remove one of the two"):
        load_images(services=project.services)


def test_the_labs_stack_file_has_its_sizes(project: Project) -> None:
    services = lab_config(LAB, {"queue": "queue:1"}, services=project.services)["platform-beta:services"]
    assert services == {"queue": {"image": "queue:1", "memory_mib": 256}}


def test_a_lab_without_stateful_services_is_without_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WITHOUT, STATEFUL)
    left_out = not_wanted(project.services)
    assert left_out["queue"] == "LAB_WITHOUT says so"
    assert left_out["queue-backup"] == left_out["queue-router"] == "it needs queue, which is left out"
    assert "queue" not in {image.name for image in needed(load_images(services=project.services), left_out)}


def test_no_code_names_a_store() -> None:
    searched = [
        *(file for name in ("components", "ops") for file in (ROOT / name).rglob("*") if file.is_file()),
        *(ROOT / "lab").rglob("*.py"),
        ROOT / "tests" / "run-all.sh",
        *(ROOT / "tests" / "lab" / f"{name}.py" for name in GENERIC),
    ]
    naming = [
        str(file.relative_to(ROOT))
        for file in searched
        if "__pycache__" not in file.parts and STORES.search(file.read_text())
    ]
    assert len(searched) > 100
    assert naming == []
