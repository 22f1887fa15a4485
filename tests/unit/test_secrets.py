from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from ops.secrets import Certificate, Given, Recipes, Values, load_recipes, missing, ungiven
from tests.unit.examples import settings

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime.now(UTC)
INTERNAL = [
    name
    for name, recipe in load_recipes(ROOT / "configs" / "secrets.yaml").items()
    if isinstance(recipe, Certificate) and recipe.names != "edge"
]


@pytest.fixture(scope="module")
def recipes() -> Recipes:
    return load_recipes(ROOT / "configs" / "secrets.yaml")


@pytest.fixture
def made(recipes: Recipes) -> Values:
    known: Values = {}
    for name in recipes:
        given = isinstance(recipes[name], Given)
        value = "given" if given else missing(name, recipes, known, settings(), NOW)
        assert value
        known[name] = value
    return known


def again(recipes: Recipes, known: Values, at: datetime, domain: str = "beta.example.com") -> list[str]:
    given = settings(edge={"domain": domain})
    return [name for name in recipes if missing(name, recipes, known, given, at) is not None]


def test_what_is_there_is_kept(recipes: Recipes, made: Values) -> None:
    assert again(recipes, made, NOW) == []


def test_a_certificate_that_ends_soon_is_renewed_and_its_key_kept(recipes: Recipes, made: Values) -> None:
    assert again(recipes, made, NOW + timedelta(days=360)) == []
    ending = ["edge_tls_certificate", *INTERNAL]
    assert again(recipes, made, NOW + timedelta(days=368)) == ending


def test_an_internal_certificate_is_good_for_servers_and_clients_under_the_names_it_gives(
    made: Values,
) -> None:
    store = Store(x509.load_pem_x509_certificates(made["internal_ca_certificate"].encode()))
    for name in INTERNAL:
        chain = x509.load_pem_x509_certificates(made[name].encode())
        builder = PolicyBuilder().store(store)
        names = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        for subject in names.get_values_for_type(x509.DNSName):
            assert builder.build_server_verifier(x509.DNSName(subject)).verify(chain[0], chain[1:])
        assert builder.build_client_verifier().verify(chain[0], chain[1:])
        with pytest.raises(x509.verification.VerificationError):
            builder.build_server_verifier(x509.DNSName("beta.example.com")).verify(chain[0], chain[1:])


def test_another_domain_makes_another_certificate(recipes: Recipes, made: Values) -> None:
    assert again(recipes, made, NOW, "other.example.com") == ["edge_tls_certificate"]


def test_a_new_authority_makes_a_new_certificate(recipes: Recipes, made: Values) -> None:
    del made["edge_ca_certificate"]
    made["edge_ca_certificate"] = missing("edge_ca_certificate", recipes, made, settings(), NOW) or ""
    assert again(recipes, made, NOW) == []
    del made["edge_ca_key"], made["edge_ca_certificate"]
    for name in ("edge_ca_key", "edge_ca_certificate"):
        made[name] = missing(name, recipes, made, settings(), NOW) or ""
    assert again(recipes, made, NOW) == ["edge_tls_certificate"]


@pytest.mark.parametrize("name", ["beta.example.com"])
def test_a_client_that_trusts_the_authority_accepts_the_edge(made: Values, name: str) -> None:
    chain = x509.load_pem_x509_certificates(made["edge_tls_certificate"].encode())
    store = Store(x509.load_pem_x509_certificates(made["edge_ca_certificate"].encode()))
    verifier = PolicyBuilder().store(store).build_server_verifier(x509.DNSName(name))
    assert verifier.verify(chain[0], chain[1:])
    with pytest.raises(x509.verification.VerificationError):
        PolicyBuilder().store(store).build_server_verifier(x509.DNSName("evil.example.com")).verify(
            chain[0], chain[1:]
        )


def test_passwords_are_long_and_differ(recipes: Recipes) -> None:
    one, two = (missing("api_token", recipes, {}, settings(), NOW) for _ in range(2))
    assert one
    assert two
    assert len(one) >= 32
    assert one != two


def test_what_a_person_gives_is_never_made_and_asked_for_until_it_is_there(
    recipes: Recipes, made: Values
) -> None:
    keys = ["bucket_access_key", "bucket_secret_key"]
    assert missing(keys[0], recipes, {}, settings(), NOW) is None
    assert ungiven(recipes, {keys[0]: "x"}) == keys[1:]
    assert ungiven(recipes, made) == []
