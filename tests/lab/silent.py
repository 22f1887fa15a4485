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
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for key, _ in waiting.select(min(left, 1)):
            gone = key.fileobj
            assert isinstance(gone, socket.socket)
            try:
                if gone.recv(65536):
                    continue  # a server that speaks first
            except OSError:
                pass
            waiting.unregister(gone)
            gone.close()
            try:
                waiting.register(connected(key.data), selectors.EVENT_READ, key.data)
            except OSError:
                time.sleep(0.05)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
