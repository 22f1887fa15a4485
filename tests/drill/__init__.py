"""`make drill`: every case of tests/lab, what was measured, and docs/drills.md of it."""
