"""PULUMI_HOMEs with the official plugins, and with ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERSIONS = {"docker": "5.2.0", "command": "1.2.1"}


def official_home(folder: Path) -> Path:
    """The official plugins, where they can be had: OFFICIAL_PLUGINS names the folder of their `install`."""
    source = Path(os.environ.get("OFFICIAL_PLUGINS") or ROOT.parent / "shared/official-plugins")
    if not (source / "install").is_file():
        pytest.skip(
            "the official plugins can't be had here: state of one kind read by the other was not tried; "
            "name a folder with their `install` in OFFICIAL_PLUGINS"
        )
    subprocess.run([source / "install", folder], check=True, capture_output=True, timeout=120)
    return folder


def offline_home(folder: Path) -> Path:
    """Ours, from this checkout."""
    for name, version in VERSIONS.items():
        plugin = folder / f"plugins/resource-{name}-v{version}/pulumi-resource-{name}"
        plugin.parent.mkdir(parents=True)
        command = f'PYTHONPATH="{ROOT}" exec "{sys.executable}" -P -m lab.plugins.{name} "$@"'
        plugin.write_text(f"#!/bin/sh\n{command}\n")
        plugin.chmod(0o755)
        plugin.parent.with_name(f"{plugin.parent.name}.lock").touch()
    return folder
