"""Values of secrets, where they are at hand: each as its recipe has it. No message holds any of a value."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from components.certificates import UnreadableError, belongs, certificate, private_key, signed_by
from components.checks import NAMING_KEY
from components.checks.edge_certificate import own_certificate, own_certificate_faults
from components.errors import Fault
from components.secret_recipes import (
    Authority,
    Certificate,
    Given,
    Key,
    Password,
    Recipe,
    Recipes,
    with_ingredients,
)
from components.stack import SECRETS

if TYPE_CHECKING:
    from components.topology import Plan

Sentence = tuple[str, str]
"""Fault and remedy; {set} stands for how the secret is set."""

#: Taken as it is wherever a password goes: between the quotes of configuration files, option files, SQL and
#: YAML, in an HTTP header, and percent-encoded in a URI. Quote, backslash, blank, line end and # are another
#: thing to each; letters beyond ASCII depend on each one's character set.
PLAIN = "letters, digits and + / = . _ ~ -"
#: What https://www.rfc-editor.org/rfc/rfc4648#section-4 has.
BASE64 = "letters, digits and + / ="
ALPHABETS = {
    "plain": (PLAIN, frozenset(string.ascii_letters + string.digits + "+/=._~-")),
    "base64": (BASE64, frozenset(string.ascii_letters + string.digits + "+/=")),
}
NEW_KEY = "set a sound one: {set}; or delete it and run: make secrets"
RENEWED = "run: make secrets, which makes a new one; or set your own: {set}"


def secret_faults(recipes: Recipes, plan: Plan, values: Mapping[str, Any], now: datetime) -> Iterator[Fault]:
    """Faults of what services mount and what that is made of, and of the naming key.

    values: by name. Passed over are those that are still sealed, missing, or refused by components/stack.py
    already, and those without a recipe, which are somebody's own.
    """
    for service in plan.services:
        for name in sorted({secret.name for secret in service.secrets}):
            if name in recipes and not recipes[name].deploy:
                fault = f"{name} never leaves the program"
                yield Fault(f"{service.place}.secrets", fault, "mount another secret")
    texts = readable(values)
    for name, recipe in with_ingredients(recipes, {*plan.secret_names, NAMING_KEY}).items():
        if own := own_certificate(name, recipes, texts):
            yield from own_certificate_faults(name, own, texts, plan.settings.edge.domain, now)
        else:
            yield from value_faults(name, recipe, texts, now)


def readable(values: Mapping[str, Any]) -> dict[str, str]:
    """The values that are at hand: neither sealed, as in the stack file, nor refused already."""
    return {name: value for name, value in values.items() if isinstance(value, str) and _sendable(value)}


def value_faults(name: str, recipe: Recipe, texts: Mapping[str, str], now: datetime) -> Iterator[Fault]:
    """What is wrong with one value by its recipe; nothing, when there is none."""
    if name in texts:
        for fault, remedy in _sentences(recipe, texts[name], texts, now):
            how = f"pulumi config set --secret --path '{SECRETS}.{name}'"
            yield Fault(f"secrets.{name}", fault, remedy.replace("{set}", how))


def _sentences(recipe: Recipe, text: str, texts: Mapping[str, str], now: datetime) -> Iterator[Sentence]:
    match recipe:
        case Password():
            yield from _password_faults(recipe, text)
        case Key():
            yield from _key_faults(text)
        case Authority() | Certificate():
            yield from _certificate_faults(recipe, text, texts, now)
        case Given() if set(text) & {"\r", "\n"}:
            yield "holds a line end", "set it anew, without one: {set}"


def _sendable(text: str) -> bool:
    try:
        return bool(text.encode())
    except UnicodeEncodeError:
        return False


def _password_faults(recipe: Password, text: str) -> Iterator[Sentence]:
    known, alphabet = ALPHABETS[recipe.alphabet]
    if text in recipe.refused:
        fault = "is a password that was published, so everybody knows it"
        yield fault, "set another: {set}; or delete it and run: make secrets"
    if len(text) < recipe.shortest:
        yield "is too short", f"set one of at least {recipe.shortest} characters: {{set}}"
    if len(text) > recipe.longest:
        yield "is too long", f"set one of at most {recipe.longest} characters: {{set}}"
    if any(map(str.isspace, text)):
        yield "holds a blank or a line end", "set one without: {set}"
    elif set(text) - alphabet:
        yield f"holds characters other than {known}", "set one of these alone: {set}"


def _key_faults(text: str) -> Iterator[Sentence]:
    try:
        private_key(text)
    except UnreadableError as error:
        yield str(error), NEW_KEY


def _certificate_faults(
    recipe: Authority | Certificate, text: str, texts: Mapping[str, str], now: datetime
) -> Iterator[Sentence]:
    try:
        held = certificate(text)
    except UnreadableError as error:
        yield str(error), RENEWED
        return
    if held.not_valid_after_utc <= now:
        yield "has expired", RENEWED
    # What is missing or can't be read is said of that one.
    with suppress(UnreadableError, KeyError):
        if not belongs(held, private_key(texts[recipe.key])):
            yield f"is for another key than {recipe.key}", RENEWED
    with suppress(UnreadableError, KeyError):
        if isinstance(recipe, Certificate) and not signed_by(held, certificate(texts[recipe.ca])):
            yield f"is not signed by {recipe.ca}", RENEWED
