"""What must hold of the edge's configuration, its services and the page, read from their files alone."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pytest
import yaml

from components.declaration import Declaration, load_declarations
from components.errors import Fault
from tests.unit import examples

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "configs/services/nginx/server/nginx.conf.j2"
SITE = ROOT / "lab/images/platform-web/site"


@pytest.fixture(scope="module")
def services() -> dict[str, Declaration]:
    faults: list[Fault] = []
    loaded = load_declarations(ROOT / "configs/services", faults)
    assert faults == []
    return {service.name: service for service in loaded}


@pytest.fixture(scope="module")
def conf() -> str:
    """The rendered text without comments."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    text = environment.from_string(TEMPLATE.read_text()).render(settings=examples.settings())
    return re.sub(r"(^|\s)#.*", "", text)


def blocks(conf: str, opening: str) -> list[str]:
    """Bodies of the blocks whose opening line matches, by counting braces."""
    found = []
    for start in re.finditer(rf"^\s*{opening} \{{", conf, re.MULTILINE):
        depth, end = 1, start.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(conf[end], 0)
            end += 1
        found.append(conf[start.end() : end - 1])
    return found


def chance(conf: str, method: str, upstream_addr: str) -> str:
    """What the map answers, evaluated as nginx does: the first regular expression that matches."""
    (body,) = blocks(conf, r'map "\$request_method \$upstream_addr" \$chance')
    for pattern, value in re.findall(r'"~(.+)"\s+(\w+);', body):
        if re.search(pattern, f"{method} {upstream_addr}"):
            return str(value)
    default = re.search(r"default\s+(\w+);", body)
    assert default is not None
    return default[1]


@pytest.mark.parametrize(
    ("service", "method", "keepalive"), [("platform-api", "least_conn", 32), ("platform-web", "ip_hash", 16)]
)
def test_an_upstream_balances_as_the_manual_says_and_follows_its_name(
    conf: str, services: dict[str, Declaration], service: str, method: str, keepalive: int
) -> None:
    name = service.replace("-", "_")
    (body,) = blocks(conf, f"upstream {name}")
    assert f"{method};" in body
    assert f"zone {name} " in body, "resolve needs shared memory"
    assert f"keepalive {keepalive};" in body
    port = services[service].ports[0].port
    assert f"server tasks.{service}:{port} resolve max_fails=3 fail_timeout=30s;" in body
    assert f"set $address tasks.{service}:{port};" in conf


def test_a_request_that_may_have_been_executed_is_never_sent_twice(conf: str) -> None:
    (rule,) = re.findall(r"proxy_next_upstream (.*);", conf)
    assert not {"non_idempotent", "http_500"} & set(rule.split())
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert chance(conf, method, "10.20.0.7:8080") == "none"
        assert chance(conf, method, "10.20.0.7:8080, 10.20.0.8:8080") == "none"


@pytest.mark.parametrize("upstream_addr", ["platform_api", "10.20.0.7:8080, platform_api", "platform_web"])
def test_a_request_that_was_sent_nowhere_gets_a_last_chance(conf: str, upstream_addr: str) -> None:
    assert chance(conf, "POST", upstream_addr) == "last"


def test_a_read_gets_a_last_chance_whatever_happened(conf: str) -> None:
    assert chance(conf, "GET", "10.20.0.7:8080") == "last"
    assert chance(conf, "HEAD", "10.20.0.7:8080") == "last"


def test_every_last_chance_has_its_location(conf: str) -> None:
    locations = set(re.findall(r"location (@\w+)", conf))
    for stem in re.findall(r"error_page 502 = (@\w+_)\$chance;", conf):
        assert {f"{stem}last", f"{stem}none"} <= locations


def test_the_api_prefix_is_stripped_and_its_metrics_stay_inside(conf: str) -> None:
    assert "proxy_pass http://platform_api/;" in blocks(conf, "location /api/")[0]
    assert "rewrite ^/api(/.*)$ $1 break;" in blocks(conf, "location @api_chance_last")[0]
    assert "return 404;" in blocks(conf, "location = /api/metrics")[0]


def test_what_a_client_says_of_its_address_is_replaced(conf: str) -> None:
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in conf
    assert "proxy_set_header X-Real-IP $remote_addr;" in conf
    assert not re.search(r"proxy_add_x_forwarded_for|set_real_ip_from|real_ip_header", conf)


def test_plain_http_redirects_all_but_health(conf: str) -> None:
    (plain,) = [body for body in blocks(conf, "server") if "listen 80 " in body]
    assert "return 308 https://$host$request_uri;" in plain
    assert "proxy_pass" not in plain
    assert len(re.findall(r'location = /health .*return 200 "healthy\\n";', conf)) == 2


def test_tls_is_current_and_its_files_are_the_mounted_secrets(
    conf: str, services: dict[str, Declaration]
) -> None:
    assert re.findall(r"ssl_protocols (.*);", conf) == ["TLSv1.2 TLSv1.3"]
    used = set(re.findall(r"ssl_certificate(?:_key)? (\S+);", conf))
    assert used == {str(secret.path) for secret in services["nginx"].secrets}


def test_a_stopping_edge_finishes_what_is_under_way(conf: str, services: dict[str, Declaration]) -> None:
    nginx = services["nginx"]
    assert nginx.stop.signal == "SIGQUIT"
    assert nginx.update.order == "stop-first", "two tasks cannot hold one host port"
    (limit,) = re.findall(r"worker_shutdown_timeout (\d+)s;", conf)
    (kept,) = re.findall(r"keepalive_min_timeout (\d+)s;", conf)
    assert 0 < int(kept) < int(limit) < nginx.stop.grace_s
    assert "http2 on" not in conf, "a POST that crosses GOAWAY is lost by many clients"


def test_only_http_and_https_are_published(conf: str, services: dict[str, Declaration]) -> None:
    published = {port.port: port.published for port in services["nginx"].ports}
    listening = {int(port) for port in re.findall(r"listen (\d+)", conf)}
    assert set(published) == listening
    assert {port for port, on_host in published.items() if on_host} == {80, 443}
    (status,) = blocks(conf, "location = /stub_status")
    assert f"allow {examples.settings().network.subnet};" in status
    assert "deny all;" in status


def test_all_that_nginx_writes_lies_on_its_tmpfs(conf: str, services: dict[str, Declaration]) -> None:
    assert services["nginx"].read_only
    assert [str(each.path) for each in services["nginx"].tmpfs] == ["/tmp"]
    written = re.findall(r"(?:pid|\w+_temp_path) (\S+);", conf)
    assert len(written) == 6
    assert all(path.startswith("/tmp/") for path in written)


@pytest.mark.parametrize("name", ["platform-api", "platform-web"])
def test_a_stateless_service_rolls_without_a_gap_and_back_on_any_failure(
    services: dict[str, Declaration], name: str
) -> None:
    service = services[name]
    assert service.update.order == "start-first"
    assert service.update.max_failure_ratio == 0
    assert service.placement.role == "worker"
    assert service.health is not None
    assert not any(port.published for port in service.ports)


def test_every_mounted_secret_is_declared_and_may_be_deployed(services: dict[str, Declaration]) -> None:
    recipes = examples.recipes()
    for service in services.values():
        for secret in service.secrets:
            assert secret.name in recipes, f"{service.name} mounts {secret.name}"
            assert recipes[secret.name].deploy, f"{secret.name} must stay with the operator"


def test_the_page_needs_nothing_that_its_content_security_policy_forbids() -> None:
    page = (SITE / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)
    for file in SITE.iterdir():
        outside = re.findall(r"""(?:src|href|url|fetch|from)\W{1,3}(?:https?:)?//\S+""", file.read_text())
        assert outside == [], file.name
        assert "innerHTML" not in file.read_text(), file.name


def test_both_nginx_images_share_their_first_steps_in_the_builders_cache() -> None:
    images = ROOT / "lab/images"
    steps = (images / "nginx/Dockerfile").read_text().split("FROM ${BASE}")[1].split("STOPSIGNAL")[0]
    assert "apt-get" in steps
    assert steps in (images / "platform-web/Dockerfile").read_text()


@pytest.mark.parametrize("name", ["platform-api", "platform-web"])
def test_the_lab_makes_the_version_that_the_service_declares(
    services: dict[str, Declaration], name: str
) -> None:
    image = yaml.safe_load((ROOT / f"lab/images/{name}/image.yaml").read_text())
    assert services[name].image.endswith(f":{image['tag']}")
