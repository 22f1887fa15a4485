"""A state that a killed CLI left half-written, as the real CLI sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.backend import Backend, BackendError
from tests.contract.conftest import PULUMI_HOME, Project, environment_of
from tests.contract.target import Target


def test_half_written_attributes_are_named_and_the_state_is_whole_without_them(
    tmp_path: Path, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path, target)
    for name, value in environment_of(tmp_path, PULUMI_HOME).items():
        monkeypatch.setenv(name, value)
    backend = Backend(tmp_path, "test")
    assert backend.torn_attributes() == []
    before = backend.export()
    attributes = project.state_file.with_name("test.json.attrs")
    assert attributes.exists()
    for left in ("", '{"user.cache_control":"","us'):
        attributes.write_text(left)
        with pytest.raises(BackendError, match=r"EOF.*`make up` mends it"):
            backend.export()
        assert backend.torn_attributes() == [attributes]
    attributes.unlink()
    assert backend.export() == before
