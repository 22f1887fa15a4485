"""The offline docker plugin's own configuration, in the state as the official plugin writes it."""

from __future__ import annotations

import json

from lab.plugins.docker.settings import check_settings, diff_settings, settings
from lab.plugins.values import UNKNOWN, Secret

OPTIONS = ["-o", 'a<b>&c é "q" \u2028']


def test_lists_are_spelled_as_the_official_plugin_spells_them() -> None:
    """Else every provider is to be updated when the kind of the plugins changes. Seen on the official one."""
    inputs, faults = check_settings({"host": "ssh://a", "sshOpts": json.dumps(OPTIONS)})
    assert not faults
    assert inputs["sshOpts"] == '["-o","a\\u003cb\\u003e\\u0026c é \\"q\\" \\u2028"]'
    assert settings(inputs).ssh_options == tuple(OPTIONS)


def test_passwords_of_registries_are_secret() -> None:
    given = json.dumps([{"address": "r.example.com", "username": "u", "password": "p"}])
    inputs, _ = check_settings({"registryAuth": given})
    assert isinstance(inputs["registryAuth"], Secret)
    assert settings(inputs).registries == {"r.example.com": ("u", "p")}
    assert not diff_settings({**inputs, "registryAuth": inputs["registryAuth"].value}, inputs).detailed


def test_what_is_not_known_yet_stays_so() -> None:
    inputs, _ = check_settings({"sshOpts": UNKNOWN})
    assert inputs["sshOpts"] is UNKNOWN
