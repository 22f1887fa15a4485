"""What a program gives, as the offline docker plugin takes it."""

from __future__ import annotations

from typing import Any

from lab.plugins.docker.check import faults, with_defaults
from lab.plugins.docker.fields import Field

FIELDS = {"labels": Field("set", fields={"label": Field("str"), "value": Field("str")})}


def test_the_official_plugins_notes_on_defaults_are_left_out_at_every_level() -> None:
    label = {"label": "stack", "value": "lab"}
    given: Any = {"labels": [{**label, "__defaults": []}], "__defaults": ["labels"]}
    taken: Any = with_defaults(FIELDS, given)
    assert taken == {"labels": [label]}
    assert list(faults(FIELDS, taken)) == []
