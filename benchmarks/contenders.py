"""Who is measured: nginx and HAProxy that proxy and do nothing else, and Sluicegate without and with a policy."""

from __future__ import annotations

import json
import shutil
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import free_port, pinned

SECRET = "benchmark"
KEYED = {"use_standard_auth": True, "auth": {"auth_header_name": "Authorization"}}
LONGEST_LITERAL_BYTES = 2048  # of a body that stands in nginx's configuration; a longer one is a file

NGINX_UPSTREAM = """
worker_processes 1; daemon off; pid {dir}/upstream.pid; error_log {dir}/upstream.err;
events {{ worker_connections 8192; }}
http {{
  access_log off; sendfile on; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2;
  fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
  server {{
    listen 127.0.0.1:{port} backlog=8192;
    location / {{ default_type application/json; {answer} }}
  }}
}}
"""

NGINX_PROXY = """
worker_processes 1; daemon off; pid {dir}/proxy.pid; error_log {dir}/proxy.err;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path {dir}/p1; proxy_temp_path {dir}/p2; proxy_max_temp_file_size 0;
  fastcgi_temp_path {dir}/p3; uwsgi_temp_path {dir}/p4; scgi_temp_path {dir}/p5;
  upstream target {{ server 127.0.0.1:{target}; keepalive 512; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=8192;
    location / {{
      proxy_pass http://target; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
  }}
}}
"""

HAPROXY = """
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  http-reuse always
  option forwardfor
frontend front
  bind 127.0.0.1:{port}
  default_backend back
backend back
  server target 127.0.0.1:{target}
"""


@dataclass(frozen=True)
class Contender:
    """A running proxy: its root process, the URL to load, and what to send with each request."""

    name: str
    pid: int
    url: str
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Field:
    """Where all run. folder: for their files. cpu, upstream_cpu: processors. body_bytes: of an answer."""

    folder: Path
    cpu: int
    upstream_cpu: int
    body_bytes: int


@contextmanager
def all_running(field: Field, numbers_of_apis: Sequence[int]) -> Iterator[list[Contender]]:
    """Start everything, nginx first, and Sluicegate with each number of APIs. What is not installed is left out."""
    with ExitStack() as running:
        target = running.enter_context(upstream(field))
        contenders = [running.enter_context(nginx(field, target))]
        if shutil.which("haproxy"):
            contenders.append(running.enter_context(haproxy(field, target)))
        else:
            print("haproxy is not installed: left out", file=sys.stderr)
        has_redis = bool(shutil.which("redis-server"))
        if not has_redis:
            print("redis-server is not installed: left out", file=sys.stderr)
        for apis in numbers_of_apis:
            contenders.append(running.enter_context(sluicegate_keyless(field, target, apis)))
            contenders.append(running.enter_context(sluicegate_with_policy(field, target, apis)))
            if has_redis:
                contenders.append(running.enter_context(sluicegate_on_redis(field, target, apis)))
        yield contenders


@contextmanager
def upstream(field: Field) -> Iterator[int]:
    """Run the service behind all proxies; yields its port."""
    port, folder = free_port(), field.folder
    body = '{"pad":"' + "x" * max(field.body_bytes - 10, 0) + '"}'
    if len(body) > LONGEST_LITERAL_BYTES:
        (folder / "body").write_text(body)
        answer = f"root {folder}; try_files /body =404;"
    else:
        answer = f"return 200 '{body}';"
    conf = folder / "upstream.conf"
    conf.write_text(NGINX_UPSTREAM.format(dir=folder, port=port, answer=answer))
    with pinned(field.upstream_cpu, ["nginx", "-c", str(conf)], port, folder / "upstream.log"):
        yield port


@contextmanager
def nginx(field: Field, target: int) -> Iterator[Contender]:
    """Run nginx's `proxy_pass`: the measure of all others."""
    port, conf = free_port(), field.folder / "nginx.conf"
    conf.write_text(NGINX_PROXY.format(dir=field.folder, port=port, target=target))
    with pinned(field.cpu, ["nginx", "-c", str(conf)], port, field.folder / "nginx.log") as process:
        yield Contender("nginx proxy_pass", process.pid, f"http://127.0.0.1:{port}/")


@contextmanager
def haproxy(field: Field, target: int) -> Iterator[Contender]:
    """Run HAProxy."""
    port, conf = free_port(), field.folder / "haproxy.cfg"
    conf.write_text(HAPROXY.format(port=port, target=target))
    with pinned(field.cpu, ["haproxy", "-db", "-f", str(conf)], port, field.folder / "haproxy.log") as process:
        yield Contender("haproxy", process.pid, f"http://127.0.0.1:{port}/")


@contextmanager
def sluicegate_keyless(field: Field, target: int, apis: int) -> Iterator[Contender]:
    """Run Sluicegate that proxies and does nothing else."""
    name = "sluicegate keyless" if apis == 1 else f"sluicegate keyless, {apis} APIs"
    with sluicegate(field, f"keyless-{apis}", target, apis, {"use_keyless": True}, {}) as (pid, url):
        yield Contender(name, pid, f"{url}/api{apis - 1}/")


@contextmanager
def sluicegate_with_policy(field: Field, target: int, apis: int) -> Iterator[Contender]:
    """Run Sluicegate that looks up a key, counts a rate and a quota, and records each request in a file."""
    settings = {
        "enable_analytics": True,
        "hash_keys": True,
        "sluicegate": {"analytics_file": str(field.folder / f"{apis}.records")},
    }
    with sluicegate(field, f"policy-{apis}", target, apis, KEYED, settings) as (pid, url):
        api_id = f"api{apis - 1}"
        key = create_key(url, api_id)
        yield Contender("  key, rate, quota, analytics", pid, f"{url}/{api_id}/", (f"Authorization: {key}",))


@contextmanager
def sluicegate_on_redis(field: Field, target: int, apis: int) -> Iterator[Contender]:
    """Run a node of a cluster that does the same, with all of it in Redis."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(field.folder)]
    settings = {
        "enable_analytics": True,
        "hash_keys": True,
        "storage": {"type": "redis", "host": "127.0.0.1", "port": port},
        "cluster": {"enabled": True},
    }
    with (
        pinned(field.upstream_cpu, command, port, field.folder / f"redis-{apis}.log"),
        sluicegate(field, f"redis-{apis}", target, apis, KEYED, settings) as (pid, url),
    ):
        api_id = f"api{apis - 1}"
        key = create_key(url, api_id)
        yield Contender("  the same, in Redis", pid, f"{url}/{api_id}/", (f"Authorization: {key}",))


@contextmanager
def sluicegate(
    field: Field, name: str, target: int, apis: int, definition: dict[str, Any], settings: dict[str, Any]
) -> Iterator[tuple[int, str]]:
    """Run one worker with APIs of one kind; yields the process and the URL."""
    folder, port = field.folder / name, free_port()
    definitions = folder / "apps"
    definitions.mkdir(parents=True)
    for number in range(apis):
        document = {
            "name": f"API {number}",
            "api_id": f"api{number}",
            "org_id": "default",
            "active": True,
            "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
            "proxy": {
                "listen_path": f"/api{number}/",
                "target_url": f"http://127.0.0.1:{target}/",
                "strip_listen_path": True,
            },
        }
        (definitions / f"{number}.json").write_text(json.dumps(document | definition))
    conf = folder / "tyk.conf"
    conf.write_text(json.dumps({"listen_port": port, "secret": SECRET, "app_path": str(definitions), **settings}))
    command = [str(Path(sys.executable).with_name("sluicegate")), "start", "--conf", str(conf), "--workers", "1"]
    with pinned(field.cpu, command, port, folder / "log") as process:
        yield process.pid, f"http://127.0.0.1:{port}"


def session_of(api_id: str) -> dict[str, Any]:
    """Return the session of a key for an API, with limits that are counted and never reached."""
    return {
        "rate": 1e9,
        "per": 1,
        "quota_max": 10**12,
        "quota_remaining": 10**12,
        "quota_renewal_rate": 3600,
        "org_id": "default",
        "access_rights": {api_id: {"api_id": api_id, "api_name": api_id, "versions": ["Default"]}},
    }


def create_key(url: str, api_id: str) -> str:
    """Return a new key for an API."""
    headers = {"X-Tyk-Authorization": SECRET, "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/tyk/keys", json.dumps(session_of(api_id)).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["key"])
