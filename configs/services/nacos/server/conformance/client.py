"""Publishes configurations by the members in turn."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

HOSTS = itertools.cycle(("nacos-1", "nacos-2", "nacos-3"))
PLACE = {"namespaceId": "public", "groupName": "ledger"}
ANSWER_S, PAGE = 3, 500


class Client:
    """A configuration for each number, `<run>-<number>`; a member says yes when MySQL has it."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.token = ""
        password = Path("/run/secrets/nacos_app_password").read_text().strip()
        login = {"username": "app", "password": password}
        self.token = self._ask("auth/user/login", login)["accessToken"]

    def write(self, number: int) -> None:
        """Return when it is published."""
        fields = {**PLACE, "dataId": f"{self.run}-{number}", "content": str(number)}
        answer = self._ask("admin/cs/config", fields)
        if answer["code"] != 0:
            raise ConnectionError(f"not published: {answer}")

    def numbers(self) -> set[int]:
        """Return the numbers of this run."""
        found: set[int] = set()
        for page in itertools.count(1):
            wanted = {**PLACE, "dataId": f"{self.run}-*", "search": "blur", "pageNo": page, "pageSize": PAGE}
            data = self._ask(f"admin/cs/config/list?{urlencode(wanted)}")["data"]
            found |= {int(item["dataId"].rpartition("-")[2]) for item in data["pageItems"]}
            if page >= data["pagesAvailable"]:
                break
        return found

    def close(self) -> None:
        """Every request has a connection of its own."""

    def _ask(self, path: str, fields: dict[str, Any] | None = None) -> Any:
        form = None if fields is None else urlencode(fields).encode()
        url = f"http://{next(HOSTS)}:8848/nacos/v3/{path}"
        with urlopen(Request(url, form, {"accessToken": self.token}), timeout=ANSWER_S) as answer:
            return json.load(answer)
