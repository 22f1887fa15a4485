"""Which keys of a stack file are read; any other would be dropped without a word. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from components.errors import Fault
from components.settings import Settings
from components.validation import suggestion

NAMESPACE = "platform-beta"
OWN = tuple(f"{NAMESPACE}:{name}" for name in (*Settings.model_fields, "secrets"))
#: What Pulumi reads of a stack's configuration. https://github.com/pulumi/pulumi/tree/v3.259.0/pkg:
#: cmd/pulumi/autonaming/config.go, resource/deploy/default_providers.go, backend/stack.go
PULUMI = ("pulumi:autonaming", "pulumi:disable-default-providers", "pulumi:tags")
#: A plugin's configuration reaches its default provider alone. Every resource of docker has a provider of
#: its own, made of the settings, and the plugin command has no configuration.
PLUGINS = ("docker", "command")
#: https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/workspace/project.go (ProjectStack)
TOP_LEVEL = ("config", "encryptionsalt", "secretsprovider", "encryptedkey", "environment")


def key_faults(keys: Iterable[object]) -> Iterator[Fault]:
    """Keys of the configuration that nobody reads; `parse_settings` checks those of our own namespace."""
    for key in keys:
        text = str(key)
        if text in PULUMI or text.startswith(f"{NAMESPACE}:"):
            continue
        if text.partition(":")[0] in PLUGINS:
            fault = f"is read by nobody: the program configures the plugin from {NAMESPACE}:ssh and :nodes"
            yield Fault(text, fault, "remove it")
        else:
            remedy = suggestion(text.lower(), (*OWN, *PULUMI), "remove it")
            yield Fault(text, "is read by nobody", remedy)


def top_level_faults(file: str, keys: Iterable[object]) -> Iterator[Fault]:
    """Keys beside `config` that Pulumi doesn't know. file: how faults name the stack file."""
    for key in map(str, keys):
        if key not in TOP_LEVEL:
            belongs_below = ":" in key or f"{NAMESPACE}:{key}" in OWN
            remedy = "move it below config" if belongs_below else suggestion(key, TOP_LEVEL, "remove it")
            yield Fault(f"{file} {key}", "is no key of a stack file, and read by nobody", remedy)


def repeated_key_faults(keys: Iterable[object]) -> Iterator[Fault]:
    """Settings written with and without the namespace: Pulumi takes either one, by chance."""
    texts = {key for key in keys if isinstance(key, str)}
    for key in sorted(texts):
        if f"{NAMESPACE}:{key}" in texts:
            yield Fault(key, f"is given as {NAMESPACE}:{key}, too", "keep one of the two")


def with_namespace(key: object) -> object:
    """As Pulumi hands the key over: one without a namespace is the project's own."""
    return key if not isinstance(key, str) or ":" in key else f"{NAMESPACE}:{key}"
