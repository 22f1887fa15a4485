from __future__ import annotations

import io
from concurrent.futures import Future
from pathlib import Path

import pytest
from rich.console import Console

from components.topology import draft
from lab.build import NotToBeHadError
from lab.catalog import load_images
from lab.left_out import NO_IMAGE, finished, read_needs, with_dependents
from lab.shell import LabError
from lab.stackfile import lab_config
from ops.status import Cluster, show
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
    local, missing = finished(load_images(tmp_path), made)
    assert local == {"web": "web:1"}
    assert missing["mongodb"] == missing["mongodb-backup"] == NO_IMAGE


def test_any_other_fault_of_an_image_ends_the_run(tmp_path: Path) -> None:
    image(tmp_path, "mongodb", extra="optional: true\n")
    with pytest.raises(LabError, match="out of disk"):
        finished(load_images(tmp_path), {"mongodb": future(LabError("out of disk"))})


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
    assert show(Cluster((), (), ()), [], console, without)
    assert "mongodb is off: no image can be had here" in console.file.getvalue()  # type: ignore[attr-defined]
