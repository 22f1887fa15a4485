"""Clients that connect and say nothing: a scanner, or the half-open connections of a machine that died.

Runs inside the overlay network by `python3 -`, so nothing of this repository is imported. Usage:

    silent.py SECONDS CLIENTS NAME:PORT…     CLIENTS connections to each port of every address of a name

A client that is hung up on connects again. Prints the number of ports once all are connected.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time

#: A client that is hung up on comes again after so long: silent, not a flood.
AGAIN_S = 1.0


def targets(places: list[str]) -> list[tuple[str, int]]:
    found = []
    for place in places:
        name, _, port = place.rpartition(":")
        answers = socket.getaddrinfo(name, int(port), socket.AF_INET, socket.SOCK_STREAM)
        found += [(str(answer[4][0]), int(port)) for answer in answers]
    return found


def connected(target: tuple[str, int]) -> socket.socket:
    made = socket.create_connection(target, 3)
    made.setblocking(False)
    return made


def main(seconds: float, clients: int, places: list[str]) -> None:
    there = targets(places)
    waiting = selectors.DefaultSelector()
    for target in there:
        for _ in range(clients):
            waiting.register(connected(target), selectors.EVENT_READ, target)
    print(len(there), flush=True)
    gone: list[tuple[float, tuple[str, int]]] = []
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        for key, _ in waiting.select(0.2):
            if is_over(key.fileobj):
                waiting.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
                gone.append((now + AGAIN_S, key.data))
        due = [target for at, target in gone if at <= now]
        gone = [(at, target) for at, target in gone if at > now]
        for target in due:
            try:
                waiting.register(connected(target), selectors.EVENT_READ, target)
            except OSError:
                gone.append((now + AGAIN_S, target))


def is_over(client: object) -> bool:
    """Whether the server has hung up; what it says is dropped."""
    assert isinstance(client, socket.socket)
    try:
        return not client.recv(65536)
    except OSError:
        return True


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
