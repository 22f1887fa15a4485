"""The edge's certificate that a person set: taken, checked, watched, and never replaced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from components import certificates
from components.checks.secrets import secret_faults
from components.declaration import load_declarations
from components.errors import ConfigurationError
from components.reading import RECIPES, SERVICES, read
from components.stack import RawStack
from components.topology import draft
from ops import secrets
from ops.secrets import Values, missing
from tests.unit.chains import NOW, Issued, authority, server
from tests.unit.examples import edge, house, recipes, settings
from tests.unit.secret_values import make, sound

DOMAIN = "beta.example.com"
RECIPES_READ = recipes()
PLAN = draft(settings(), load_declarations(SERVICES, []))
ROOT = authority("Test Root")
MIDDLE = authority("Test Intermediate", ROOT)
OTHER = authority("Other Root")
SOON, GONE = 20, -0.5


def given(own: Issued, *issuers: Issued, key: str | None = None) -> Values:
    """The environment's secrets with a person's own certificate, and its key."""
    chain = "".join(each.pem for each in (own, *issuers))
    return {**sound(), "edge_tls_certificate": chain, "edge_tls_key": key or own.key_pem}


def faults(values: Values) -> list[str]:
    """What is wrong with the certificate, without place and remedy."""
    found = list(secret_faults(RECIPES_READ, PLAN, values, datetime.now(UTC)))
    assert {fault.place for fault in found} <= {"secrets.edge_tls_certificate"}
    assert all("pulumi config set --secret --path" in fault.remedy for fault in found)
    assert not [fault for fault in found if "…" in str(fault)]  # none is cut off
    assert not [line for line in values["edge_tls_certificate"].splitlines() if line in str(found)]
    return sorted(fault.fault for fault in found)


def made(values: Values, domain: str = DOMAIN) -> list[str]:
    """What `make secrets` would make anew."""
    known = edge(edge={"domain": domain})
    return [name for name in RECIPES_READ if missing(name, RECIPES_READ, values, known, NOW) is not None]


OWN = {
    "with its root": given(server(MIDDLE, DOMAIN), MIDDLE, ROOT),
    "by a root itself": given(server(ROOT, DOMAIN), ROOT),
    "signed by itself": given(server(None, DOMAIN)),
    "a wildcard": given(server(MIDDLE, "*.example.com"), MIDDLE, ROOT),
    "several names": given(server(MIDDLE, "www.example.com", "BETA.example.com"), MIDDLE, ROOT),
}


@pytest.mark.parametrize("name", OWN)
def test_an_own_certificate_is_taken_and_never_replaced(name: str) -> None:
    assert faults(OWN[name]) == []
    assert made(OWN[name]) == []


def test_a_chain_may_leave_out_a_root_that_browsers_know(monkeypatch: pytest.MonkeyPatch) -> None:
    values = given(server(MIDDLE, DOMAIN), MIDDLE)
    assert faults(values) == ["ends with certificate 2, whose issuer is no root that browsers know"]
    monkeypatch.setattr(certificates, "_public_roots", lambda: (OTHER.certificate, ROOT.certificate))
    assert faults(values) == []


def test_the_roots_that_browsers_know_can_be_read() -> None:
    assert len(certificates._public_roots()) > 50


FAULTY = {
    "no certificate": (
        {**sound(), "edge_tls_certificate": "CANARY"},
        ["is not a certificate in PEM"],
    ),
    "torn": (
        {
            **given(server(MIDDLE, DOMAIN), MIDDLE),
            "edge_tls_certificate": server(MIDDLE, DOMAIN).pem + MIDDLE.pem[:-40],
        },
        ["ends within a certificate"],
    ),
    "another key": (
        given(server(MIDDLE, DOMAIN), MIDDLE, ROOT, key=sound()["edge_tls_key"]),
        ["is for another key than edge_tls_key"],
    ),
    "no issuers": (
        given(server(MIDDLE, DOMAIN)),
        ["ends with certificate 1, whose issuer is no root that browsers know"],
    ),
    "a gap": (given(server(MIDDLE, DOMAIN), ROOT), ["lacks the issuer of certificate 1"]),
    "the wrong order": (
        given(server(MIDDLE, DOMAIN), ROOT, MIDDLE),
        ["is not in order: the issuer of certificate 1 does not follow it"],
    ),
    "an issuer that is no authority": (
        given(server(no_ca := authority("No CA", ROOT, ca=False), DOMAIN), no_ca, ROOT),
        ["holds as number 2 a certificate that may sign no other"],
    ),
    "another name": (
        given(server(MIDDLE, "www.example.com", "*.beta.example.com"), MIDDLE, ROOT),
        ["is not for edge.domain, beta.example.com"],
    ),
    "no name but the common one": (
        given(server(MIDDLE), MIDDLE, ROOT),
        ["is not for edge.domain, beta.example.com"],
    ),
    "not for servers": (
        given(server(MIDDLE, DOMAIN, purpose=ExtendedKeyUsageOID.CLIENT_AUTH), MIDDLE, ROOT),
        ["is not for servers (extended key usage)"],
    ),
    "several faults": (
        given(server(MIDDLE, "www.example.com"), key=sound()["edge_tls_key"]),
        [
            "ends with certificate 1, whose issuer is no root that browsers know",
            "is for another key than edge_tls_key",
            "is not for edge.domain, beta.example.com",
        ],
    ),
}


@pytest.mark.parametrize("name", FAULTY)
def test_an_own_certificate_that_will_not_do_is_a_fault_and_stays(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values, expected = FAULTY[name]
    assert faults(values) == expected
    assert made(values) == []
    assert refused_by_make_secrets(values, monkeypatch) == len(expected)


def refused_by_make_secrets(values: Values, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many faults `make secrets` finds; it must not write."""
    monkeypatch.setattr(secrets, "_pulumi", lambda *_: "")
    monkeypatch.setattr(secrets, "stored_secrets", lambda root, stack: dict(values))
    monkeypatch.setattr(secrets, "_write", lambda *_: pytest.fail("was written"))
    with pytest.raises(ConfigurationError) as refused:
        list(secrets.ensure(RECIPES.parents[1], "test", settings()))
    return len(refused.value.faults)


def test_the_reversed_chain_is_told_by_its_order_not_by_its_key() -> None:
    own = server(MIDDLE, DOMAIN)
    expected = ["is not in order: the server's certificate is number 3"]
    assert faults(given(ROOT, MIDDLE, own, key=own.key_pem)) == expected


def test_a_certificate_that_has_ended_or_not_begun_is_a_fault() -> None:
    ended = server(MIDDLE, DOMAIN, days=GONE)
    assert faults(given(ended, MIDDLE, ROOT)) == [
        f"has ended: certificate 1, on {ended.certificate.not_valid_after_utc:%Y-%m-%d}"
    ]
    early = server(MIDDLE, DOMAIN, begins=NOW + timedelta(days=2))
    (told,) = faults(given(early, MIDDLE, ROOT))
    assert told.startswith("is not good before ")
    old = authority("Old Intermediate", ROOT, days=0)
    ends = old.certificate.not_valid_after_utc
    (told,) = faults(given(server(old, DOMAIN), old, ROOT))
    assert told == f"has ended: certificate 2, on {ends:%Y-%m-%d}"


def test_an_own_certificate_without_its_key_is_a_fault_and_no_key_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = OWN["with its root"].copy()
    del values["edge_tls_key"]
    assert faults(values) == ["is your own, and edge_tls_key is not set"]
    assert refused_by_make_secrets(values, monkeypatch) == 1


def test_ours_is_still_renewed_for_another_domain_and_by_a_new_authority() -> None:
    values = make()
    assert made(values, "other.example.com") == ["edge_tls_certificate"]
    for name in ("edge_ca_key", "edge_ca_certificate"):
        del values[name]
        values[name] = missing(name, RECIPES_READ, values, edge(), NOW) or ""
    assert made(values) == ["edge_tls_certificate"]


def test_an_own_certificate_is_not_replaced_for_another_domain() -> None:
    assert made(OWN["with its root"], "other.example.com") == []


def told(values: Values) -> tuple[str, ...]:
    """What the program warns of, in a preview as in an up."""
    return read(RawStack(house(), values)).warnings


def test_an_own_certificate_that_ends_within_30_days_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    ending = given(server(MIDDLE, DOMAIN, days=SOON), MIDDLE, ROOT)
    (sentence,) = told(ending)
    assert "secrets.edge_tls_certificate: your own certificate ends on" in sentence
    assert "in 19 days" in sentence
    short = authority("Short Intermediate", ROOT, days=SOON)
    assert "in 19 days" in told(given(server(short, DOMAIN), short, ROOT))[0]
    assert told(OWN["with its root"]) == ()
    assert told(make()) == ()
    monkeypatch.setattr(secrets, "_pulumi", lambda *_: "")
    monkeypatch.setattr(secrets, "stored_secrets", lambda root, stack: dict(ending))
    monkeypatch.setattr(secrets, "_write", lambda *_: pytest.fail("was written"))
    assert sentence in list(secrets.ensure(RECIPES.parents[1], "test", settings()))


def test_a_sealed_value_is_not_looked_at(tmp_path: Path) -> None:
    sealed = {name: {"secure": "v1:x"} for name in sound()}
    assert read(RawStack(house(), sealed)).warnings == ()
