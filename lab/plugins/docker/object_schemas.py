"""The properties of networks, secrets and configs: all of them immutable, a change replaces.

https://registry.terraform.io/providers/kreuzwerker/docker/latest/docs
"""

from __future__ import annotations

import base64
import binascii

from lab.plugins.docker.fields import (
    Field,
    Schema,
    Value,
    collection,
    flag,
    forcing_new,
    labels,
    mapping,
    text,
)


def _no_base64(value: Value) -> str | None:
    """The value itself is left out of the fault: it is a secret."""
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return "is not base64"
    return None


NETWORK = Schema(
    "docker:index/network:Network",
    forcing_new(
        {
            "name": text(required=True),
            "labels": labels(),
            "driver": text(computed=True),
            "options": mapping(computed=True),
            "internal": flag(computed=True),
            "attachable": flag(),
            "ingress": flag(),
            "ipv6": flag(),
            "ipamDriver": text(default="default"),
            "ipamOptions": mapping(),
            "ipamConfigs": collection(
                {
                    "subnet": text(),
                    "ipRange": text(),
                    "gateway": text(),
                    "auxAddress": mapping(),
                },
                computed=True,
            ),
        }
    )
    | {"scope": text(computed=True)},
)

SECRET = Schema(
    "docker:index/secret:Secret",
    {
        "name": text(required=True, force_new=True),
        "data": Field("str", required=True, force_new=True, secret=True, fault=_no_base64),
        "labels": labels(),
    },
)

CONFIG = Schema(
    "docker:index/serviceConfig:ServiceConfig",
    {
        "name": text(required=True, force_new=True),
        "data": Field("str", force_new=True, fault=_no_base64),
        "dataRaw": text(force_new=True),
        "labels": labels(),
    },
    conflicts=(("data", "dataRaw"),),
)
