"""Writes to the master that Sentinel names."""

from __future__ import annotations

from pathlib import Path

from redis.sentinel import Sentinel


class Client:
    """Each write is followed by WAIT 1; in the variant `plain` it is not."""

    def __init__(self, run: str, variant: str = "") -> None:
        self.key, self.waits = f"ledger:{run}:{variant or 'sure'}", variant != "plain"
        login = {
            "username": "app",
            "password": Path("/run/secrets/redis_app_password").read_text().strip(),
        }
        sentinel = Sentinel(
            [(f"redis-sentinel-{number}", 26379) for number in (1, 2, 3)],
            socket_timeout=1,
            sentinel_kwargs={**login, "socket_timeout": 1},
        )
        self.client = sentinel.master_for("redis-master", socket_timeout=2, **login)

    def write(self, number: int) -> None:
        """Return when a replica has it, too. One connection for both: WAIT speaks of its own's writes."""
        batch = self.client.pipeline(transaction=False).sadd(self.key, number)
        if self.waits:
            batch.execute_command("WAIT", 1, 1000)
        answers = batch.execute()
        if self.waits and answers[1] < 1:
            raise ConnectionError("no replica has confirmed it")

    def numbers(self) -> set[int]:
        """Return the numbers of this run."""
        return {int(item) for item in self.client.smembers(self.key)}

    def close(self) -> None:
        """Hang up."""
        self.client.connection_pool.disconnect()
