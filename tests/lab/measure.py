"""Figures of a test: printed, and kept for docs/drills.md while a drill runs."""

from __future__ import annotations

import os

from tests.drill import record
from tests.drill.record import Figure, Measurement
from tests.drill.report import told


def measured(name: str, **figures: Figure) -> None:
    """Tell and keep figures of the test under way; a unit is the end of a figure's name (`recovered_s`)."""
    rounded = {key: round(value, 2) if isinstance(value, float) else value for key, value in figures.items()}
    print(told(Measurement(name, rounded)))
    case = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
    record.append(event="measured", case=case, name=name, figures=rounded)
