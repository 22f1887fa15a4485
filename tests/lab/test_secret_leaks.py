"""No secret's value, plain or base64, anywhere that people or programs look."""

from __future__ import annotations

import base64

import pytest

from components.topology import Plan
from tests.lab.nodes import on_node
from tests.lab.runner import ROOT, Tree, checkout_files

LOOK = (
    "ps -eo args; journalctl --no-pager -o cat; cat /var/log/*.log /var/lib/docker/containers/*/*.log || true"
)


def needles(value: str) -> list[str]:
    """What a leak would look like: the value, its lines that aren't PEM armour, and base64 of the whole."""
    lines = [line for line in value.splitlines() if len(line) >= 16 and "-----" not in line]
    return [*lines, base64.b64encode(value.encode()).decode()]


def leaks(text: str, secrets: dict[str, str]) -> set[str]:
    """Names of secrets whose value is in the text; certificates are public."""
    hidden = {name: value for name, value in secrets.items() if "CERTIFICATE" not in value}
    return {name for name, value in hidden.items() if any(needle in text for needle in needles(value))}


@pytest.fixture(scope="module")
def tokens(plan: Plan) -> dict[str, str]:
    """Join tokens of the swarm as it is, and the private key of the lab."""
    kinds = ("worker", "manager")
    read = {
        kind: on_node(plan.settings, "node-1", f"docker swarm join-token -q {kind}").strip() for kind in kinds
    }
    return {**read, "ssh key": (ROOT / ".lab/ssh/id_ed25519").read_text()}


def test_a_leak_would_be_found(secrets: dict[str, str]) -> None:
    assert leaks(f"x {secrets['api_token']} y", secrets) == {"api_token"}
    assert "edge_tls_key" in leaks(base64.b64encode(secrets["edge_tls_key"].encode()).decode(), secrets)


def test_the_state_holds_no_value(secrets: dict[str, str], tokens: dict[str, str]) -> None:
    files = [path for path in (ROOT / ".lab/state").rglob("*") if path.is_file()]
    assert len(files) > 3
    found = {path.name: leaks(path.read_text(errors="replace"), {**secrets, **tokens}) for path in files}
    assert not {name: names for name, names in found.items() if names}


def test_previews_and_runs_print_no_value(
    checkout: Tree, variant: Tree, secrets: dict[str, str], tokens: dict[str, str]
) -> None:
    variant.edit("configs/services/platform/api/service.yaml", "parallelism: 1", "parallelism: 2")
    texts = [
        checkout.preview("--diff", "--show-sames").text,
        checkout.preview("--json").text,
        variant.preview("--diff").text,
        variant.up().text,
    ]
    assert all("platform-api" in text for text in texts)
    assert leaks("\n".join(texts), {**secrets, **tokens}) == set()


def test_hosts_show_no_value_in_processes_and_logs(
    plan: Plan, secrets: dict[str, str], tokens: dict[str, str]
) -> None:
    for node in plan.settings.nodes:
        seen = on_node(plan.settings, node.name, LOOK)
        assert "dockerd" in seen, node.name
        assert leaks(seen, {**secrets, **tokens}) == set(), node.name


def test_git_and_the_stack_file_hold_no_value(secrets: dict[str, str], tokens: dict[str, str]) -> None:
    texts = ((ROOT / name).read_text(errors="replace") for name in checkout_files())
    assert leaks("\n".join(texts), {**secrets, **tokens}) == set()
