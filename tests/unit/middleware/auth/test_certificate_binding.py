"""Keys that are bound to certificates."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, session_of

from sluicegate.middleware.auth.certificate_binding import MISMATCH, CertificateBinding

SHOWN = b"a certificate"
BOUND = "default" + hashlib.sha256(SHOWN).hexdigest()


def step(**fields: Any) -> CertificateBinding | None:
    return CertificateBinding.from_definition(make_api(**fields), make_version(), make_services())


@pytest.mark.parametrize("fields", [{}, {"use_mutual_tls_auth": True, "use_keyless": True}])
def test_only_where_certificates_and_tokens_are_asked_for(fields: dict[str, Any]) -> None:
    assert step(**fields) is None


@pytest.mark.parametrize(
    ("bindings", "shown", "expected"),
    [
        ([], (), None),
        ([], (SHOWN,), None),
        ([BOUND], (SHOWN,), None),
        (["default" + "0" * 64, BOUND], (SHOWN, b"its authority"), None),
        (["default" + "0" * 64], (SHOWN,), MISMATCH),
        ([BOUND], (), MISMATCH),
        ([BOUND], (b"another", SHOWN), MISMATCH),
        (["other" + BOUND.removeprefix("default")], (SHOWN,), MISMATCH),
    ],
)
def test_a_key_is_good_with_its_certificates_only(bindings: list[str], shown: tuple[bytes, ...], expected: Any) -> None:
    made = step(use_mutual_tls_auth=True)
    assert made is not None
    exchange = make_exchange(session=session_of(mtls_static_certificate_bindings=bindings))
    exchange.client.certificates = shown  # type: ignore[misc]
    assert made.on_request(exchange) is expected


def test_without_a_session_there_is_nothing_to_compare() -> None:
    made = step(use_mutual_tls_auth=True)
    assert made is not None
    assert made.on_request(make_exchange()) is None
