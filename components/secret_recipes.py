"""What configs/secrets.yaml declares: each secret's kind, what it is made of, and what its value may be."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from components.errors import Fault
from components.fields import Name, refused
from components.stack import named
from components.validation import NOT_MAPPING, Frozen, suggestion, validate
from components.yaml_file import read_mapping

Length = Annotated[int, Field(ge=1, le=1024)]
#: A certificate's date ends with the year 9999.
Days = Annotated[int, Field(ge=1, le=36_500)]


class Recipe(Frozen):
    """What all kinds have in common. With `deploy: false` no service may mount it."""

    deploy: bool = True

    @property
    def made_of(self) -> tuple[str, ...]:
        """The secrets that go into it."""
        return ()


class Password(Recipe):
    """Random letters and digits, `length` of them (5.95 bits each).

    A person's own has `shortest` to `longest` characters of an alphabet of components/checks/secrets.py.
    No store takes less than MySQL, 256: https://github.com/mysql/mysql-server/blob/8.4/include/crypt_genhash_impl.h
    """

    kind: Literal["password"]
    length: Annotated[int, Field(ge=16, le=128)] = 32
    shortest: Length = 12
    longest: Length = 256
    alphabet: Literal["plain", "base64"] = "plain"


class Key(Recipe):
    """A private key, PEM."""

    kind: Literal["key"]


class Authority(Recipe):
    """The certificate of a certificate authority, for the key named."""

    kind: Literal["ca"]
    key: str
    # What X.509 takes: https://www.rfc-editor.org/rfc/rfc5280#appendix-A.1 (ub-common-name)
    common_name: Annotated[str, Field(min_length=1, max_length=64)]
    days: Annotated[Days, Field(ge=30)]
    renew_days: Days

    @property
    def made_of(self) -> tuple[str, ...]:
        """Its key."""
        return (self.key,)


def _names(written: Any) -> Any:
    if not written:
        raise refused("is empty", "write edge, or names inside the overlay")
    return () if written == "edge" else written


class Certificate(Recipe):
    """A certificate with its chain, for the key named, signed by `ca` (an Authority).

    `names`: none for the edge's, or DNS names inside the overlay; the latter serve as a client's certificate
    too, as members of one data store are each other's clients.
    """

    kind: Literal["certificate"]
    key: str
    ca: str
    names: Annotated[tuple[Name, ...], BeforeValidator(_names)]
    days: Annotated[Days, Field(ge=2, le=397)]
    renew_days: Days

    @property
    def made_of(self) -> tuple[str, ...]:
        """Its key, and who signs it."""
        return (self.key, self.ca)


class Given(Recipe):
    """What somebody else made: a person sets it, nothing here can."""

    kind: Literal["given"]


Recipes = dict[str, Recipe]
KINDS: Mapping[str, type[Recipe]] = {
    "password": Password,
    "key": Key,
    "ca": Authority,
    "certificate": Certificate,
    "given": Given,
}


def load_recipes(path: Path, faults: list[Fault]) -> Recipes:
    """The recipes in their order, each after what it is made of; what is wrong is appended to `faults`."""
    place = f"{path.parent.name}/{path.name}"
    found: list[Fault] = []
    recipes: Recipes = {}
    for name, raw in (read_mapping(path, place, found) or {}).items():
        recipe = _recipe(raw, f"{place} {name}", found) if named(name, place, found) else None
        if recipe:
            recipes[name] = recipe
    if not found:  # else what could not be read would be reported as not there
        found += [fault for name in recipes for fault in _ingredient_faults(place, name, recipes)]
        found += [fault for name in recipes for fault in _length_faults(f"{place} {name}", recipes[name])]
    faults += found
    return recipes


def with_ingredients(recipes: Recipes, names: Container[str]) -> Recipes:
    """The recipes of these names, and of all that they are made of; their order stays."""
    made_of: set[str] = set()
    kept: Recipes = {}
    for name, recipe in reversed(recipes.items()):
        if name in names or name in made_of:
            kept[name] = recipe
            made_of.update(recipe.made_of)
    return dict(reversed(kept.items()))


def _recipe(raw: Any, place: str, faults: list[Fault]) -> Recipe | None:
    if not isinstance(raw, dict):
        faults.append(Fault(place, *NOT_MAPPING))
        return None
    kind = raw.get("kind")
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        fault = f"is none of {', '.join(KINDS)}"
        faults.append(Fault(f"{place}.kind", fault, suggestion(kind, KINDS, "use one of them")))
        return None
    return validate(model, raw, place, faults)


def _length_faults(place: str, recipe: Recipe) -> Iterator[Fault]:
    if isinstance(recipe, Password) and not recipe.shortest <= recipe.length <= recipe.longest:
        fault = f"{recipe.length} is not within shortest ({recipe.shortest}) and longest ({recipe.longest})"
        yield Fault(f"{place}.length", fault, "correct one of the three")


def _ingredient_faults(place: str, name: str, recipes: Recipes) -> Iterator[Fault]:
    """Each is made after what it is made of, so that has to stand before it."""
    recipe, earlier = recipes[name], [*recipes][: [*recipes].index(name)]
    for field, kind, what in (("key", Key, "key"), ("ca", Authority, "ca")):
        other = getattr(recipe, field, None)
        if other and (other not in earlier or not isinstance(recipes[other], kind)):
            fault = f"{other} is no secret of kind {what} that stands before it"
            yield Fault(f"{place} {name}.{field}", fault, "correct the name, or the order")
