"""Whether a public image registry answers: asked through the engine, whose mirrors and proxies count."""

import docker

PROBE = "hello-world:latest"
LIMIT_S = 5


def public_registry_answers() -> bool:
    """Ask for a well-known image; silence for five seconds, or any refusal, is a no."""
    client = docker.from_env(timeout=LIMIT_S)
    try:
        client.images.get_registry_data(PROBE)
    except (docker.errors.APIError, OSError):
        return False
    finally:
        client.close()  # type: ignore[no-untyped-call]  # types-docker leaves it out
    return True
