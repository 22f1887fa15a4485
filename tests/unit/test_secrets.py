from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from components.errors import ConfigurationError
from components.reading import RECIPES
from components.secret_recipes import Certificate, Recipes
from ops import secrets
from ops.secrets import Values, missing, ungiven
from tests.unit import examples
from tests.unit.examples import edge, settings
from tests.unit.secret_values import make

NOW = datetime.now(UTC)
INTERNAL = [
    name for name, recipe in examples.recipes().items() if isinstance(recipe, Certificate) and recipe.names
]


@pytest.fixture(scope="module")
def recipes() -> Recipes:
    return examples.recipes()


@pytest.fixture
def made() -> Values:
    return make()


def again(recipes: Recipes, known: Values, at: datetime, domain: str = "beta.example.com") -> list[str]:
    given = edge(edge={"domain": domain})
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
    made["edge_ca_certificate"] = missing("edge_ca_certificate", recipes, made, edge(), NOW) or ""
    assert again(recipes, made, NOW) == []
    del made["edge_ca_key"], made["edge_ca_certificate"]
    for name in ("edge_ca_key", "edge_ca_certificate"):
        made[name] = missing(name, recipes, made, edge(), NOW) or ""
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


def test_a_certificate_that_can_not_be_read_is_made_anew(recipes: Recipes, made: Values) -> None:
    broken = {"mysql_tls_certificate": "garbage", "edge_tls_certificate": made["edge_tls_certificate"][:-99]}
    assert again(recipes, {**made, **broken}, NOW) == ["edge_tls_certificate", "mysql_tls_certificate"]


def test_a_key_that_can_not_be_read_is_a_fault_before_anything_is_made(
    made: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "_pulumi", lambda *_: "")
    monkeypatch.setattr(secrets, "stored_secrets", lambda root, stack: {"edge_ca_key": "garbage"})
    with pytest.raises(ConfigurationError, match=r"secrets\.edge_ca_key: is not a private key"):
        next(secrets.ensure(RECIPES.parents[1], "test", settings()))


def test_passwords_are_long_and_differ(recipes: Recipes) -> None:
    one, two = (missing("api_token", recipes, {}, edge(), NOW) for _ in range(2))
    assert one
    assert two
    assert len(one) >= 32
    assert one != two


def test_what_a_person_gives_is_never_made_and_asked_for_until_it_is_there(
    recipes: Recipes, made: Values
) -> None:
    keys = ["bucket_access_key", "bucket_secret_key"]
    assert missing(keys[0], recipes, {}, edge(), NOW) is None
    assert ungiven(recipes, {keys[0]: "x"}) == keys[1:]
    assert ungiven(recipes, made) == []
