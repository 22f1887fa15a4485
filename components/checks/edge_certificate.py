"""The edge's certificate where a person set it: checked and watched, and never replaced by us.

It is a person's own unless its issuer is named as our edge authority is. What can't be read is a person's
own as well: `make secrets` never wrote it, so nothing here may overwrite it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise

from cryptography import x509
from cryptography.x509.oid import NameOID

from components.certificates import (
    UnreadableError,
    belongs,
    certificate,
    chain,
    covers,
    ends_at,
    first,
    is_authority,
    is_root,
    private_key,
    publicly_rooted,
    serves,
    signed_by,
)
from components.errors import Fault
from components.secret_recipes import Authority, Certificate, Recipes
from components.stack import SECRETS

SET = "pulumi config set --secret --path '" + SECRETS + ".{}'"
REMOVE = "pulumi config rm --path '" + SECRETS + ".{}'"
ORDER = "the server's certificate first, then each one's issuer"


def own_certificate(name: str, recipes: Recipes, texts: Mapping[str, str]) -> Certificate | None:
    """The recipe, when this secret is the edge's certificate and a person set it."""
    recipe = recipes.get(name)
    if not isinstance(recipe, Certificate) or recipe.names or not texts.get(name):
        return None
    try:
        issuer = first(texts[name]).issuer
    except (UnreadableError, ValueError):
        return recipe
    return None if issuer in _our_names(recipe, recipes, texts) else recipe


def _our_names(recipe: Certificate, recipes: Recipes, texts: Mapping[str, str]) -> Iterator[x509.Name]:
    """What our authority is called: now, and by the recipe for its next certificate."""
    authority = recipes[recipe.ca]
    if isinstance(authority, Authority):
        yield x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, authority.common_name)])
    with suppress(UnreadableError, KeyError, ValueError):
        yield certificate(texts[recipe.ca]).subject


def own_certificate_faults(
    name: str, recipe: Certificate, texts: Mapping[str, str], domain: str, now: datetime
) -> Iterator[Fault]:
    """What is wrong with a person's own certificate (`own_certificate` found it); shows nothing of it."""
    for fault, remedy in _sentences(recipe, texts, texts[name], domain, now):
        ours = f"or remove it ({REMOVE.format(name)}) and run: make secrets"
        yield Fault(f"secrets.{name}", fault, f"{remedy}: {SET.format(name)}; {ours}")


def own_certificate_warning(
    name: str, recipe: Certificate, texts: Mapping[str, str], now: datetime
) -> str | None:
    """A sentence from `renew_days` before the end on: nobody here can renew it."""
    try:
        end = ends_at(chain(texts[name]))
    except UnreadableError:
        return None
    if not now < end <= now + timedelta(days=recipe.renew_days):
        return None
    days = (end - now).days
    return (
        f"secrets.{name}: your own certificate ends on {end:%Y-%m-%d}, in {days} days, and nothing here can "
        f"renew it; set a newer one: {SET.format(name)}"
    )


def own_certificate_warnings(recipes: Recipes, texts: Mapping[str, str], now: datetime) -> Iterator[str]:
    """A sentence for each of a person's own certificates that ends soon."""
    for name in recipes:
        recipe = own_certificate(name, recipes, texts)
        sentence = recipe and own_certificate_warning(name, recipe, texts, now)
        if sentence:
            yield sentence


def _sentences(
    recipe: Certificate, texts: Mapping[str, str], text: str, domain: str, now: datetime
) -> Iterator[tuple[str, str]]:
    again = f"set it anew, {ORDER}"
    try:
        held = chain(text)
    except UnreadableError as error:
        yield str(error), again
        return
    if not texts.get(recipe.key):
        yield f"is your own, and {recipe.key} is not set", f"set its key as {recipe.key}, and the certificate"
    if (place := _own_place(held, recipe, texts)) is None:
        yield f"is for another key than {recipe.key}", f"set its key as {recipe.key}, or another certificate"
    if place:
        yield f"is not in order: the server's certificate is number {place + 1}", again
    else:
        yield from _chain_sentences(held, again)
    yield from _server_sentences(held[place or 0], held, domain, now)


def _own_place(held: Sequence[x509.Certificate], recipe: Certificate, texts: Mapping[str, str]) -> int | None:
    """Where the certificate for the key stands; 0 as well for a key that can't be read; None: nowhere."""
    try:
        key = private_key(texts[recipe.key])
    except (UnreadableError, KeyError):
        return 0  # said of the key
    return next((place for place, each in enumerate(held) if belongs(each, key)), None)


def _chain_sentences(held: Sequence[x509.Certificate], again: str) -> Iterator[tuple[str, str]]:
    """The first link that is broken, or the end: what follows a broken link is no fault of its own."""
    for number, (each, issuer) in enumerate(pairwise(held), start=1):
        if not signed_by(each, issuer):
            behind = any(signed_by(each, other) for other in held if other is not each)
            order = f"is not in order: the issuer of certificate {number} does not follow it"
            yield order if behind else f"lacks the issuer of certificate {number}", again
            return
        if not is_authority(issuer):
            yield f"holds as number {number + 1} a certificate that may sign no other", again
            return
    if not is_root(held[-1]) and not publicly_rooted(held[-1]):
        fault = f"ends with certificate {len(held)}, whose issuer is no root that browsers know"
        yield fault, "append the issuers that are missing, a private authority's root too, and set it anew"


def _server_sentences(
    own: x509.Certificate, held: Sequence[x509.Certificate], domain: str, now: datetime
) -> Iterator[tuple[str, str]]:
    newer = "set a newer one"
    for number, each in enumerate(held, start=1):
        if each.not_valid_after_utc <= now:
            yield f"has ended: certificate {number}, on {each.not_valid_after_utc:%Y-%m-%d}", newer
        if each.not_valid_before_utc > now:
            fault = f"is not good before {each.not_valid_before_utc:%Y-%m-%d %H:%M} UTC: certificate {number}"
            yield fault, "correct this machine's clock, or set one that is"
    if not covers(own, domain):
        yield f"is not for edge.domain, {domain}", "set one for that name, or correct edge.domain"
    if not serves(own):
        yield "is not for servers (extended key usage)", "set one for servers"
