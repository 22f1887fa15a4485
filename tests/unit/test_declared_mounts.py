"""Short ways to write what a service mounts, written out as every other part of the program knows them."""

from __future__ import annotations

from pathlib import Path

from components.contents import config_name
from components.declaration import Declaration, load_declaration
from components.errors import Fault

TEXT = """
description: a database
image: db:1.0
resources: {cpus: 1, memory_mib: 64}
"""
FILES = {
    "db/server/start.sh": "#!/bin/sh\n",
    "db/server/lib.sh": "# sourced\n",
    "db/server/db.conf.j2": "x\n",
    "db/server/.hidden.sh": "#!/bin/sh\n",
    "db/backup/hooks/dump.sh": "#!/bin/sh\n",
    "db/backup/hooks/deeper/no.sh": "#!/bin/sh\n",
}


def loaded(root: Path, more: str) -> Declaration:
    services = root / "configs" / "services"
    for name, text in {**FILES, "db/server/service.yaml": TEXT + more}.items():
        (services / name).parent.mkdir(parents=True, exist_ok=True)
        (services / name).write_text(text)
    (root / "configs" / "lib" / "backup").mkdir(parents=True)
    (root / "configs" / "lib" / "backup" / "restore.sh").write_text("#!/bin/bash\n")
    faults: list[Fault] = []
    found = load_declaration(services / "db/server/service.yaml", faults)
    assert faults == []
    assert found
    return found


def test_a_pattern_is_each_of_its_files_and_scripts_can_be_run(tmp_path: Path) -> None:
    service = loaded(
        tmp_path,
        """
configs:
  - {file: "*.sh", path: /lib}
  - {file: "*.conf.j2", path: /etc/db, uid: "7", mode: "0400"}
  - {file: ../backup/hooks/*, path: /lib/hooks/}
  - {file: ../../../lib/backup/*.sh, path: /lib/backup}
""",
    )
    assert [(each.file, str(each.path), each.mode, each.uid) for each in service.configs] == [
        ("lib.sh", "/lib/lib.sh", "0444", "0"),
        ("start.sh", "/lib/start.sh", "0555", "0"),
        ("db.conf.j2", "/etc/db/db.conf", "0400", "7"),
        ("../backup/hooks/dump.sh", "/lib/hooks/dump.sh", "0555", "0"),
        ("../../../lib/backup/restore.sh", "/lib/backup/restore.sh", "0555", "0"),
    ]


def test_a_file_of_a_pattern_has_the_swarm_config_of_one_that_is_written_out(tmp_path: Path) -> None:
    service = loaded(tmp_path, "configs: [{file: ../../../lib/backup/*.sh, path: /lib}]")
    (config,) = service.configs
    assert config_name("db", config.file, "x").startswith("lib.backup-restore-sh-")


def test_a_file_by_its_name_has_the_mode_that_is_written(tmp_path: Path) -> None:
    service = loaded(tmp_path, "configs: [{file: start.sh, path: /start}]")
    assert [each.mode for each in service.configs] == ["0444"]


def test_a_secret_lies_where_docker_puts_it_and_is_the_users(tmp_path: Path) -> None:
    secrets = "secrets: [a, {name: b, path: /b, gid: '0', mode: '0444'}]"
    service = loaded(tmp_path, f"user: '70:71'\n{secrets}")
    assert [(str(each.path), each.uid, each.gid, each.mode) for each in service.secrets] == [
        ("/run/secrets/a", "70", "71", "0400"),
        ("/b", "70", "0", "0444"),
    ]


def test_a_secrets_owner_is_root_where_the_user_has_no_number(tmp_path: Path) -> None:
    for number, (user, owner) in enumerate([("user: nobody", "0"), ("", "0"), ("user: '99'", "99")]):
        service = loaded(tmp_path / str(number), f"{user}\nsecrets: [{{name: a}}]")
        assert [(each.uid, each.gid) for each in service.secrets] == [(owner, owner)]
