"""The allow list of client certificates."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version

from sluicegate.chain.exchange import Exchange
from sluicegate.middleware.auth import client_certificates
from sluicegate.middleware.auth.client_certificates import EXPIRED, MISSING, NO_TLS, ClientCertificates
from sluicegate.store.certificates import Certificates

AUTHORITY = trustme.CA()
MIDDLE = AUTHORITY.create_child_ca()
LISTED, OTHER = AUTHORITY.issue_cert("listed.test"), AUTHORITY.issue_cert("other.test")


def pem(cert: trustme.LeafCert | trustme.CA) -> bytes:
    return cert.cert_pem.bytes() if isinstance(cert, trustme.CA) else cert.cert_chain_pems[0].bytes()


def der(cert: trustme.LeafCert | trustme.CA) -> bytes:
    return x509.load_pem_x509_certificate(pem(cert)).public_bytes(Encoding.DER)


def step(*listed: str, stored: dict[str, bytes] | None = None, **settings: Any) -> ClientCertificates:
    services = make_services(settings)
    services.certificates = Certificates(stored)
    api = make_api(use_mutual_tls_auth=True, client_certificates=list(listed))
    made = ClientCertificates.from_definition(api, make_version(), services)
    assert made is not None
    return made


def showing(*chain: trustme.LeafCert | trustme.CA, is_tls: bool = True) -> Exchange:
    exchange = make_exchange()
    exchange.client.is_tls = is_tls
    exchange.client.certificates = tuple(map(der, chain))  # type: ignore[misc]
    return exchange


def refused(cert: trustme.LeafCert) -> tuple[int, str]:
    return 403, f"Certificate with SHA256 {hashlib.sha256(der(cert)).hexdigest()} not allowed"


def outcome(made: ClientCertificates, exchange: Exchange) -> Any:
    found: Any = made.on_request(exchange)
    return (found.status, found.message) if found is not None else None


def test_only_where_it_is_asked_for() -> None:
    assert ClientCertificates.from_definition(make_api(), make_version(), make_services()) is None


def test_without_tls_or_certificate() -> None:
    made = step(pem(LISTED).decode())
    assert made.on_request(showing(is_tls=False)) is NO_TLS
    assert made.on_request(showing()) is MISSING


def test_a_listed_one_gets_in_and_no_other() -> None:
    made = step(pem(LISTED).decode())
    for _ in range(2):  # the second time its verdict is known
        assert outcome(made, showing(LISTED, AUTHORITY)) is None
        assert outcome(made, showing(OTHER, AUTHORITY)) == refused(OTHER)


def test_lists_by_id_and_of_the_settings() -> None:
    stored_id = "org" + "1" * 64
    assert outcome(step(stored_id, stored={stored_id: pem(LISTED)}), showing(LISTED)) is None
    everywhere = {"security": {"certificates": {"apis": [pem(LISTED).decode()]}}}
    assert outcome(step(**everywhere), showing(LISTED)) is None


@pytest.mark.parametrize("listed", ["org" + "1" * 64, "/nowhere.pem", "-----BEGIN CERTIFICATE-----\nzork"])
def test_a_reference_that_leads_nowhere_lets_nobody_in(listed: str) -> None:
    assert outcome(step(listed), showing(LISTED)) == refused(LISTED)
    assert outcome(step(listed, pem(LISTED).decode()), showing(LISTED)) is None


def test_a_listed_authority_lets_in_what_it_has_signed() -> None:
    made = step(pem(AUTHORITY).decode())
    assert outcome(made, showing(LISTED, AUTHORITY)) is None
    assert outcome(made, showing(LISTED)) is None, "OpenSSL did not look as far, because of another API's list"
    signed = MIDDLE.issue_cert("deep.test")
    assert outcome(made, showing(signed, MIDDLE)) is None
    stranger = trustme.CA()
    assert outcome(made, showing(cert := stranger.issue_cert("no.test"), stranger)) == refused(cert)


def test_a_listed_certificate_that_is_no_authority_signs_nothing() -> None:
    made = step(pem(LISTED).decode())
    assert outcome(made, showing(OTHER, LISTED)) == refused(OTHER)


def test_one_that_runs_out_while_its_connection_is_open() -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    cert = AUTHORITY.issue_cert("short.test", not_after=until)
    made, exchange = step(pem(cert).decode()), showing(cert)
    assert made.on_request(exchange) is None
    exchange.started_s = until.timestamp() + 1
    assert made.on_request(exchange) is EXPIRED
    assert EXPIRED.flag == "TKE"


def test_no_more_verdicts_are_kept_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_certificates, "MOST_REMEMBERED", 2)
    made = step(pem(LISTED).decode())
    for number in range(5):
        outcome(made, showing(AUTHORITY.issue_cert(f"{number}.test")))
    assert len(made._verdicts) <= 2
    assert outcome(made, showing(LISTED)) is None
