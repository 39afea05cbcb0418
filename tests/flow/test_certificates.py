"""Certificates that are sent to one node are in force on every worker of every node, towards both sides."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.gateway import Gateway, api, until
from tests.servers import RestartableRedis
from tests.tls_gateway import AUTHORITY, TlsGateway
from tests.upstreams import Upstream
from tests.wire import get

ORG = "default"


def demanding() -> ssl.SSLContext:
    """Return what an upstream has that wants to see a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    AUTHORITY.configure_trust(context)
    return context


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(tls=demanding()) as one:
        yield one


def node(folder: Path, redis: RestartableRedis) -> Gateway:
    folder.mkdir()
    storage = {"type": "redis", "host": "127.0.0.1", "port": redis.port}
    return Gateway(folder, conf={"storage": storage, "node_secret": "shared", "cluster": {"enabled": True}}, workers=2)


def add(gateway: Gateway, pem: bytes) -> str:
    status, said = gateway.admin("POST", f"/tyk/certs?org_id={ORG}", pem)
    assert (status, said["message"]) == (200, "Certificate added"), said
    return str(said["id"])


def statuses(gateway: Gateway) -> set[int]:
    return {gateway.ask(get("/s/x")).status for _ in range(12)}


def definition(upstream: Upstream, authority: str, identity: str) -> dict[str, Any]:
    return api(
        "/s/",
        upstream.url,
        proxy={"transport": {"ssl_ca_file": authority}},
        upstream_certificates={f"127.0.0.1:{upstream.port}": identity},
    )


def test_certificates_of_upstreams(tmp_path: Path, upstream: Upstream, redis: RestartableRedis) -> None:
    with ExitStack() as running:
        one, two = (running.enter_context(node(tmp_path / name, redis)) for name in ("one", "two"))
        pem = AUTHORITY.issue_cert("gateway.test").private_key_and_cert_chain_pem.bytes()
        authority = add(one, AUTHORITY.cert_pem.bytes())
        identity = add(one, pem)
        # A definition may name what was stored at another node a moment ago.
        status, said = two.admin("POST", "/tyk/apis", definition(upstream, authority, identity))
        assert status == 200, said
        assert statuses(two) == {200}
        until(lambda: statuses(one) == {200})

        assert one.admin("DELETE", f"/tyk/certs/{identity}")[0] == 200
        assert statuses(one) == statuses(two) == {200}, "what is served goes on"
        assert "is not in the store" in one.log
        until(lambda: "is not in the store" in two.log)
        assert two.admin("GET", f"/tyk/certs/{identity}")[0] == 404
        assert add(two, pem) == identity
        assert statuses(two) == {200}

        for gateway in (one, two):
            assert pem.splitlines()[1].decode() not in gateway.log
            assert "PRIVATE KEY" not in gateway.log


def test_a_certificate_of_the_listener(tmp_path: Path, redis: RestartableRedis) -> None:
    folder = tmp_path / "node"
    folder.mkdir()
    own, other = (
        AUTHORITY.issue_cert(name).private_key_and_cert_chain_pem.bytes() for name in ("one.test", "two.test")
    )
    (folder / "own.pem").write_bytes(own)
    storage = {"type": "redis", "host": "127.0.0.1", "port": redis.port}
    conf = {
        "storage": storage,
        "http_server_options": {"use_ssl": True, "ssl_certificates": [str(folder / "own.pem")]},
    }
    with TlsGateway(folder, conf=conf, workers=2) as gateway:
        shown = add(gateway, other)
        with pytest.raises(ssl.SSLCertVerificationError):
            gateway.raw(name="two.test")
        named = {**api("/a/"), "domain": "two.test", "certificates": [shown]}
        assert gateway.admin("POST", "/tyk/apis", named)[0] == 200
        for _ in range(12):
            gateway.raw(name="two.test").close()
        assert gateway.admin("DELETE", f"/tyk/certs/{shown}")[0] == 200
        for _ in range(12):
            with pytest.raises(ssl.SSLCertVerificationError):
                gateway.raw(name="two.test")
        assert add(gateway, other) == shown
        for _ in range(12):
            gateway.raw(name="two.test").close()
