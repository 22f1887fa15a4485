"""The sample API uses the data services by the addresses of an application, and shows how each one is."""

from __future__ import annotations

import json
import time
import uuid

from components.topology import Plan
from tests.lab.load import Edge
from tests.lab.mongodb import URI, mongosh, needed

#: Data service as the API names it, and the declared service that stands for it.
BACKINGS = {"mysql": "mysql", "redis": "redis-sentinel", "mongodb": "mongodb"}


def health(edge: Edge, start: int = 0) -> dict[str, str]:
    told = json.loads(edge.get("/api/health", start=start)[1])
    return {each["name"]: each["state"] for each in told["backings"]}


def test_every_replica_shows_every_data_service_that_there_is(edge: Edge, plan: Plan) -> None:
    there = {service.name for service in plan.services}
    wanted = {name: "up" for name, service in BACKINGS.items() if service in there}
    until = time.monotonic() + 30
    while any(health(edge, start) != wanted for start in range(12)) and time.monotonic() < until:
        time.sleep(2)
    assert [health(edge, start) for start in range(12)] == [wanted] * 12


def test_a_note_is_seen_through_every_replica(edge: Edge, plan: Plan, secrets: dict[str, str]) -> None:
    text = f"note {uuid.uuid4()}"
    connection = edge._connect(edge.addresses[0])
    headers = {"Host": edge.domain, "Authorization": f"Bearer {secrets['api_token']}"}
    connection.request("POST", "/api/notes", json.dumps({"text": text}), headers)
    answer = connection.getresponse()
    assert answer.status == 201
    lasting = any(service.name == "mysql" for service in plan.services)
    assert json.loads(answer.read())["store"].startswith("MySQL" if lasting else "memory")
    time.sleep(3)  # longer than a cached list lives
    answers = [edge.get("/api/notes", start=number)[1].decode() for number in range(12)]
    seen = [text in each for each in answers]
    assert all(seen) if lasting else any(seen)


def test_a_note_leaves_an_event_where_there_is_mongodb(
    edge: Edge, plan: Plan, secrets: dict[str, str]
) -> None:
    needed(plan, "mongodb")
    uri = URI.format(user="app", password=secrets["mongodb_app_password"])
    script = (
        f'print(new Mongo({json.dumps(uri)}).getDB("platform").getCollection("events").countDocuments({{}}))'
    )
    before = int(mongosh(plan, script).strip().splitlines()[-1])
    connection = edge._connect(edge.addresses[0])
    headers = {"Host": edge.domain, "Authorization": f"Bearer {secrets['api_token']}"}
    connection.request("POST", "/api/notes", json.dumps({"text": "with an event"}), headers)
    assert connection.getresponse().status == 201
    assert int(mongosh(plan, script).strip().splitlines()[-1]) == before + 1
