"""What every secrets.yaml declares: each secret's kind, what it is made of, and what its value may be.

configs/secrets.yaml has the environment's own secrets, configs/services/<product>/<part>/secrets.yaml those
of a service.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from components.declaration import Declaration, place_of, service_folders, service_name
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
    `refused`: values that were published somewhere, which no password of the environment may be.
    """

    kind: Literal["password"]
    length: Annotated[int, Field(ge=16, le=128)] = 32
    shortest: Length = 12
    longest: Length = 256
    alphabet: Literal["plain", "base64"] = "plain"
    refused: tuple[str, ...] = ()


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
        raise refused("is empty", "write edge, members, or names inside the overlay")
    if written == MEMBERS:
        raise refused("belongs to no service here", "move it into the secrets.yaml of the service")
    return () if written == "edge" else written


class Certificate(Recipe):
    """A certificate with its chain, for the key named, signed by `ca` (an Authority).

    `names`: none for the edge's, or DNS names inside the overlay; the latter serve as a client's certificate
    too, as members of one data store are each other's clients. A service's own secrets.yaml may write
    `members`: see member_names.
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


#: What a service's own secrets.yaml may write instead of names.
MEMBERS = "members"
#: Beside service.yaml, where a service has secrets of its own.
FILE = "secrets.yaml"
Recipes = dict[str, Recipe]
KINDS: Mapping[str, type[Recipe]] = {
    "password": Password,
    "key": Key,
    "ca": Authority,
    "certificate": Certificate,
    "given": Given,
}


@dataclass(frozen=True)
class _Source:
    """One secrets.yaml. `members`: the names that `names: members` stands for there; none is a service's."""

    path: Path
    place: str
    members: tuple[str, ...] = ()


def load_recipes(path: Path, services: Path, declared: Iterable[Declaration], faults: list[Fault]) -> Recipes:
    """The recipes of the environment (`path`), then those of the folders below `services` by name.

    Each stands after what it is made of. What is wrong is appended to `faults`.
    declared: the services that could be read; they have the names that `names: members` stands for.
    """
    found: list[Fault] = []
    recipes: Recipes = {}
    places: dict[str, str] = {}
    for source in _sources(path, services, tuple(declared)):
        recipes |= _read(source, places, found)
    if not found:  # else what could not be read would be reported as not there
        for name, place in places.items():
            found += _ingredient_faults(place, name, recipes)
            found += _length_faults(f"{place} {name}", recipes[name])
    faults += found
    return _with_refused(recipes)


def member_names(service: str, declared: Iterable[Declaration]) -> tuple[str, ...]:
    """What a service's members are reached by: its name, aliases and members, and localhost.

    Besides, the aliases of the other services of its product, which pass connections through (a router's).
    """
    declared = tuple(declared)
    own = next((each for each in declared if each.name == service), None)
    if own is None:  # its service.yaml can't be read, which is a fault already
        return (service, "localhost")
    passing = [alias for each in declared if each.product == own.product for alias in each.aliases]
    members = [member.name for member in own.members]
    return tuple(dict.fromkeys([service, *own.aliases, *members, *passing, "localhost"]))


def _sources(path: Path, services: Path, declared: tuple[Declaration, ...]) -> Iterator[_Source]:
    yield _Source(path, f"{path.parent.name}/{path.name}")
    for folder in service_folders(services):
        name = service_name(folder)
        if (own := folder / FILE).exists():
            yield _Source(own, f"{place_of(name)}/{FILE}", member_names(name, declared))


def _read(source: _Source, places: dict[str, str], faults: list[Fault]) -> Recipes:
    """The recipes of one file; `places`, the place of each name's file, is added to."""
    recipes: Recipes = {}
    for name, raw in (read_mapping(source.path, source.place, faults) or {}).items():
        if not named(name, source.place, faults):
            continue
        if name in places:
            fault = f"is declared in {places[name]} already"
            faults.append(Fault(f"{source.place} {name}", fault, "rename or remove one of the two"))
            continue
        places[name] = source.place
        recipe = _recipe(_with_members(raw, source.members), f"{source.place} {name}", faults)
        if recipe:
            recipes[name] = recipe
    return recipes


def _with_members(raw: Any, members: tuple[str, ...]) -> Any:
    if members and isinstance(raw, dict) and raw.get("names") == MEMBERS:
        return {**raw, "names": members}
    return raw


def _with_refused(recipes: Recipes) -> Recipes:
    """Every password refuses what any of them refuses."""
    passwords = {name: recipe for name, recipe in recipes.items() if isinstance(recipe, Password)}
    values = {value for recipe in passwords.values() for value in recipe.refused}
    update = {"refused": tuple(sorted(values))}
    return {**recipes, **{name: recipe.model_copy(update=update) for name, recipe in passwords.items()}}


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
