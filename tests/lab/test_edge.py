"""The edge as the outside sees it: TLS, redirect, balance, and the page in a browser."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.lab.load import Edge

CHROMIUM = "/usr/bin/chromium"
#: Without these Chromium talks to hosts that aren't ours.
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
QUIET += ["--disable-background-networking", "--disable-component-update"]


def test_both_edges_answer_over_tls_that_the_authority_vouches_for(edge: Edge) -> None:
    assert len(edge.addresses) == 2
    for index in range(2):
        assert edge.get("/health", start=index) == (200, b"healthy\n")


def test_plain_http_is_redirected_but_health_answers(edge: Edge) -> None:
    for address in edge.addresses:
        connection = http.client.HTTPConnection(address, timeout=5)
        connection.request("GET", "/some/page?x=1", headers={"Host": edge.domain})
        response = connection.getresponse()
        assert response.status in (301, 308)
        assert response.headers["Location"] == f"https://{edge.domain}/some/page?x=1"
        connection = http.client.HTTPConnection(address, timeout=5)
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200


def test_all_replicas_of_the_api_share_the_load(edge: Edge) -> None:
    hosts = {json.loads(edge.get("/api/version", start=number)[1])["host"] for number in range(60)}
    assert len(hosts) == 3


def test_a_note_needs_the_token_and_is_read_back(edge: Edge, secrets: dict[str, str]) -> None:
    assert edge.post("/api/notes", {"text": "seen from outside"}, "wrong")[0] == 401
    assert edge.post("/api/notes", {"text": "seen from outside"}, secrets["api_token"])[0] == 201
    answers = [edge.get("/api/notes", start=number)[1].decode() for number in range(30)]
    assert any("seen from outside" in answer for answer in answers)


def test_a_browser_shows_the_page_with_the_apis_state(edge: Edge, artifacts: Path) -> None:
    with sync_playwright() as playwright:
        rules = f"MAP {edge.domain} {edge.addresses[0]}"
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*QUIET, f"--host-resolver-rules={rules}"]
        )
        page = browser.new_context(
            ignore_https_errors=True, viewport={"width": 1200, "height": 900}
        ).new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"https://{edge.domain}/")
        host = json.loads(edge.get("/api/version")[1])["version"]
        page.get_by_text(host).first.wait_for(timeout=15_000)
        for each in json.loads(edge.get("/api/health")[1])["backings"]:
            page.locator("#backings").get_by_text(each["name"], exact=True).wait_for(timeout=15_000)
        page.get_by_text("Kept in").wait_for(timeout=15_000)
        page.screenshot(path=artifacts / "web.png", full_page=True)
        browser.close()
    assert faults == []
