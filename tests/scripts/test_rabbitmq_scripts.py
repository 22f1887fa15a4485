"""RabbitMQ's scripts against a management API and a port mapper that answer what a test wants."""

from __future__ import annotations

import json
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

SERVICE = Path(__file__).parents[2] / "configs/services/rabbitmq/server"
MEMBER = Path(__file__).parents[2] / "configs/lib/member.sh"
NODES = "/api/nodes?columns=name,running,being_drained"
RUNNING = "/api/nodes?columns=name,running"
CRITICAL, ALARMS = "/api/health/checks/node-is-quorum-critical", "/api/health/checks/alarms"
LEADER = "/api/queues/system/leader?columns=leader,online"
ADMIN, APP = "/api/users/admin", "/api/users/app"
Answers = dict[str, tuple[int, Any]]


class Api(ThreadingHTTPServer):
    """Answers by path; `asked` has method, path and body of each request."""

    def __init__(self, answers: Answers) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.asked: list[tuple[str, str, str]] = []


class Handler(BaseHTTPRequestHandler):
    server: Api

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append((self.command, self.path, body))
        key = self.path
        if key == "/api/whoami":
            key += " " + self.headers["Authorization"]
        status, said = self.server.answers.get(key, (404, {"error": "Object Not Found"}))
        text = json.dumps(said, separators=(",", ":")).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = do_POST = answer  # noqa: N815

    def log_message(self, *args: object) -> None:
        """Nothing."""


@contextmanager
def api(answers: Answers) -> Iterator[Api]:
    with Api(answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The container's folders, in one of the test's own."""
    (tmp_path / "secrets").mkdir()
    for name in ("erlang_cookie", "admin_password", "app_password"):
        (tmp_path / f"secrets/rabbitmq_{name}").write_text(name)
    (tmp_path / "authorization").write_text("Basic members")
    return tmp_path


def run(here: Path, port: int, script: str, name: str = "rabbitmq-1") -> subprocess.CompletedProcess[str]:
    """One bash with a script of the service, its ports and paths put to the test's."""
    for file in (MEMBER, *SERVICE.glob("*.sh")):
        text = (
            file.read_text().replace("/usr/local/lib/rabbitmq", str(here)).replace("/run/rabbitmq", str(here))
        )
        text = text.replace("API_PORT=15672", f"API_PORT={port}").replace("/4369", f"/{port}")
        text = text.replace("/run/secrets", f"{here}/secrets")
        (here / file.name).write_text(text)
    environment = {"PATH": "/usr/bin:/bin", "HOSTNAME": name, "MEMBERS": "rabbitmq-1 rabbitmq-2 rabbitmq-3"}
    return subprocess.run(
        ["bash", "-c", script], cwd=here, env=environment, capture_output=True, text=True, timeout=30
    )


def nodes(**differs: Any) -> list[dict[str, Any]]:
    found = [
        {"name": f"rabbit@rabbitmq-{number}", "running": True, "being_drained": False} for number in (1, 2, 3)
    ]
    found[1] |= differs
    return found


WHOLE: Answers = {NODES: (200, nodes()), ALARMS: (200, {}), CRITICAL: (200, {})}


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        (WHOLE, ""),
        (WHOLE | {NODES: (200, nodes(running=False))}, "rabbitmq-2 does not run"),
        (WHOLE | {NODES: (200, nodes(being_drained=True))}, "rabbitmq-2 is leaving"),
        (WHOLE | {NODES: (200, nodes()[:2])}, "rabbitmq-3 is no member of the cluster yet"),
        (WHOLE | {ALARMS: (503, {"reason": "memory"})}, 'an alarm is on: {"reason":"memory"}'),
        (WHOLE | {CRITICAL: (503, {"queues": ["q"]})}, 'queues would lose their majority: {"queues":["q"]}'),
        (WHOLE | {NODES: (401, {})}, "the management API answers 401"),
    ],
)
def test_a_member_may_stop_only_if_the_cluster_is_whole_without_it(
    here: Path, answers: Answers, why: str
) -> None:
    with api(answers) as server:
        done = run(here, server.server_port, "bash ready-to-stop.sh")
    assert (done.stdout.strip(), done.returncode) == (why, 1 if why else 0)


def test_a_server_that_does_not_answer_is_no_reason_to_stop(here: Path) -> None:
    done = run(here, 1, "bash ready-to-stop.sh")
    assert (done.stdout, done.returncode) == ("the management API answers nothing\n", 1)


@pytest.mark.parametrize(
    ("leader", "online", "role"),
    [
        ("1", "123", "PRIMARY"),
        ("1", "12", "PRIMARY"),
        ("2", "123", "SECONDARY"),
        ("2", "23", "NONE"),
        ("1", "1", "NONE"),
        ("", "", "NONE"),
    ],
)
def test_the_leader_of_one_queue_is_primary(here: Path, leader: str, online: str, role: str) -> None:
    queue = {"leader": f"rabbit@rabbitmq-{leader}", "online": [f"rabbit@rabbitmq-{each}" for each in online]}
    with api({LEADER: (200 if leader else 404, queue)}) as server:
        assert run(here, server.server_port, "bash role.sh").stdout == f"{role}\n"


RECONCILE = '. ./member.sh; HERE=.; MARKER=./marker; rabbitmqctl() { echo "rabbitmqctl $* <$(cat)"; }; '
RECONCILE += "for part in api reconcile; do . ./$part.sh; done; "


def sign(user: str, password: str) -> str:
    done = subprocess.run(["base64", "-w0"], input=f"{user}:{password}", capture_output=True, text=True)
    return f"/api/whoami Basic {done.stdout}"


def test_objects_are_sent_and_what_exists_otherwise_is_let_be(here: Path) -> None:
    lines = 'PUT /api/vhosts/platform {"a": 1}\nPUT /api/queues/platform/q {"durable": true}\n'
    (here / "objects").write_text("\n" + lines)
    answers: Answers = {"/api/vhosts/platform": (204, ""), "/api/queues/platform/q": (400, {"reason": "x"})}
    with api(answers) as server:
        done = run(here, server.server_port, RECONCILE + "make_objects")
        assert [" ".join(each) for each in server.asked] == lines.splitlines()
    assert done.returncode == 0
    assert 'PUT /api/queues/platform/q: exists otherwise and stays so: {"reason":"x"}' in done.stderr


def test_a_cluster_without_a_majority_is_tried_again(here: Path) -> None:
    (here / "objects").write_text("PUT /api/vhosts/platform {}\nPUT /api/vhosts/other {}\n")
    with api({"/api/vhosts/platform": (503, "")}) as server:
        assert run(here, server.server_port, RECONCILE + "make_objects").returncode == 1
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("who", "known", "sent"),
    [
        ((401, {"reason": "Login failed"}), (200, {"tags": ["administrator"]}), True),
        ((200, {}), (200, {"tags": ["monitoring"]}), True),
        ((200, {}), (404, {}), True),
        ((200, {}), (200, {"tags": ["administrator"]}), False),
    ],
)
def test_a_password_is_sent_only_when_it_or_the_tags_changed(
    here: Path, who: tuple[int, Any], known: tuple[int, Any], sent: bool
) -> None:
    (here / "objects").write_text("USER admin rabbitmq_admin_password administrator\n")
    with api({sign("admin", "admin_password"): who, ADMIN: known}) as server:
        done = run(here, server.server_port, RECONCILE + "make_objects")
        put = [body for method, path, body in server.asked if method == "PUT"]
    assert put == (['{"password":"admin_password","tags":"administrator"}'] if sent else [])
    assert "admin_password" not in done.stdout + done.stderr


def test_an_application_is_let_in_though_it_may_not_use_the_api(here: Path) -> None:
    (here / "objects").write_text("USER app rabbitmq_app_password \n")
    answers: Answers = {sign("app", "app_password"): (401, {"reason": "Not management user"})}
    with api(answers | {APP: (200, {"tags": []})}) as server:
        assert run(here, server.server_port, RECONCILE + "make_objects").returncode == 0
        assert [method for method, _, _ in server.asked] == ["GET", "GET"]


@pytest.mark.parametrize("running", [True, False])
def test_features_are_enabled_once_all_members_run(here: Path, running: bool) -> None:
    with api({RUNNING: (200, nodes(running=running)), "/api/rebalance/queues": (204, "")}) as server:
        done = run(here, server.server_port, RECONCILE + "when_all_run </dev/null")
        assert ("POST", "/api/rebalance/queues", "") in server.asked or not running
    assert ("rabbitmqctl --quiet enable_feature_flag all" in done.stdout) == running
    assert done.returncode == 0


def test_another_cookie_gives_the_members_user_another_password(here: Path) -> None:
    with api({"/api/whoami Basic members": (401, {})}) as server:
        done = run(here, server.server_port, RECONCILE + "MEMBERS_PASSWORD=new; serves")
    assert done.stdout == "rabbitmqctl --quiet change_password members <new\n"
    assert done.returncode == 1


class PortMapper(socketserver.StreamRequestHandler):
    names = b""

    def handle(self) -> None:
        assert self.rfile.read(3) == b"\0\1n"
        self.wfile.write(b"\0\0\x11\x11" + self.names)


@pytest.mark.parametrize(
    ("names", "state"),
    [
        (b"name rabbit at port 25672\n", "data"),
        (b"name empty at port 1\n", "empty"),
        (b"name rabbitmqcli-99 at port 7\nname rabbit at port 25672\n", "data"),
        (b"name rabbitmqcli-99 at port 7\n", "unknown"),
        (b"", "unknown"),
    ],
)
def test_members_tell_by_their_port_mapper_whether_they_have_data(
    here: Path, names: bytes, state: str
) -> None:
    handler = type("Handler", (PortMapper,), {"names": names})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        script = ". ./member.sh; ME=rabbitmq-1; MEMBER_NAMES=(rabbitmq-1 127.0.0.1 nowhere.invalid); "
        script += '. ./peers.sh; ask_peers; echo "${STATE[127.0.0.1]} ${STATE[nowhere.invalid]}"'
        done = run(here, server.server_address[1], script)
        server.shutdown()
    assert done.stdout == f"{state} unknown\n"


MEMBERS_OF_QUEUES = "/api/queues?columns=name,members"
FORGET = '. ./member.sh; . ./api.sh; ME=rabbitmq-1 ASK_S=3; rabbitmqctl() { echo "$SAID"; return "$CODE"; }; '
FORGET += 'rabbitmq-queues() { echo "shrink $*"; }; '
FORGET += 'eval "$(sed -n "/^forget_me()/,/^}/p" start.sh)"; forget_me 127.0.0.1'


@pytest.mark.parametrize(
    ("said", "code", "members", "joins"),
    [
        ("", 0, ["rabbit@rabbitmq-2", "rabbit@rabbitmq-3"], True),
        ("{:not_a_cluster_node, ...}", 69, ["rabbit@rabbitmq-2"], True),
        ("must be stopped", 69, [], False),
        ("", 0, ["rabbit@rabbitmq-1", "rabbit@rabbitmq-2"], False),
    ],
)
def test_an_emptied_member_joins_once_nobody_counts_what_it_was(
    here: Path, said: str, code: int, members: list[str], joins: bool
) -> None:
    with api({MEMBERS_OF_QUEUES: (200, [{"name": "q", "members": members}])}) as server:
        done = run(here, server.server_port, f"SAID='{said}' CODE={code}; {FORGET}")
    assert (done.returncode == 0) == joins
    assert ("shrink" in done.stderr) == ("rabbit@rabbitmq-1" in members)


def test_an_emptied_member_waits_until_the_other_one_serves(here: Path) -> None:
    done = run(here, 1, f"SAID='' CODE=0; {FORGET}")
    assert done.returncode == 1
    assert "127.0.0.1 has data, and does not serve yet" in done.stderr
