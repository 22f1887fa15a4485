"""Writes to the replica set, which is found by its members' names."""

from __future__ import annotations

from pathlib import Path

from pymongo import MongoClient, ReadPreference, WriteConcern

HOSTS = ",".join(f"mongodb-{number}:27017" for number in (1, 2, 3))


class Client:
    """Each write is acknowledged by a majority."""

    def __init__(self, run: str) -> None:
        self.client = MongoClient(
            f"mongodb://{HOSTS}/?replicaSet=rs0&retryWrites=true&authSource=admin",
            username="app",
            password=Path("/run/secrets/mongodb_app_password").read_text().strip(),
            connectTimeoutMS=2000,
            serverSelectionTimeoutMS=2000,
            socketTimeoutMS=3000,
        )
        self.ledger = self.client.get_database(
            "platform",
            write_concern=WriteConcern("majority", wtimeout=3000),
            read_preference=ReadPreference.PRIMARY,
        )[f"ledger_{run}"]

    def write(self, number: int) -> None:
        """Return when a majority has it."""
        self.ledger.insert_one({"_id": number})

    def numbers(self) -> set[int]:
        """Return the numbers of this run."""
        return {item["_id"] for item in self.ledger.find({}, {"_id": 1})}

    def close(self) -> None:
        """Hang up."""
        self.client.close()
