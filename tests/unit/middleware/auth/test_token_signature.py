"""Signed tokens: contract 08.1."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, session_of

from sluicegate.middleware.auth.token_signature import NOT_VERIFIED, UNKNOWN_ALGORITHM, TokenSignature
from sluicegate.store.tokens import make_token

SIGNATURE = {"algorithm": "MasherySHA256", "header": "X-Sig", "secret": "$tyk_meta.secret", "allowed_clock_skew": 5}
SESSION = session_of(meta_data={"secret": "s3cret"})


def digest(key: str, secret: str = "s3cret", skew: int = 0, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, f"{key}{secret}{int(time.time()) + skew}".encode()).hexdigest()


def ask(signature: str, token: str = "abc", target: str = "/", org_id: str = "default", **config: Any) -> Any:
    auth = {"validate_signature": True, "signature": {**SIGNATURE, **config}}
    api = make_api(org_id=org_id, auth_configs={"authToken": auth})
    step = TokenSignature.from_definition(api, make_version(), make_services())
    assert step is not None
    exchange = make_exchange(target, headers={"X-Sig": signature} if signature else {}, session=SESSION)
    exchange.token = token
    return step.on_request(exchange)


def test_only_where_it_is_asked_for() -> None:
    auth = {"validate_signature": True, "signature": SIGNATURE}
    for api in (make_api(), make_api(use_keyless=True, auth=auth), make_api(auth_configs={"authToken": {}}, auth=auth)):
        assert TokenSignature.from_definition(api, make_version(), make_services()) is None
    assert TokenSignature.from_definition(make_api(auth=auth), make_version(), make_services()) is not None


@pytest.mark.parametrize(
    ("signed", "expected"),
    [
        ({"key": "abc", "skew": 3}, None),
        ({"key": "abc", "skew": -3}, None),
        ({"key": "abc", "skew": -60}, NOT_VERIFIED),
        ({"key": "abd"}, NOT_VERIFIED),
        ({"key": "abc", "secret": "other"}, NOT_VERIFIED),
    ],
)
def test_a_signature_holds_for_a_moment(signed: dict[str, Any], expected: Any) -> None:
    assert ask(digest(**signed)) == expected


def test_a_signature_has_to_be_there() -> None:
    assert ask("") == NOT_VERIFIED


def test_the_other_digest() -> None:
    assert ask(digest("abc", algorithm="md5"), algorithm="MasheryMD5") is None
    assert ask(digest("abc"), algorithm="MasheryMD5") == NOT_VERIFIED


@pytest.mark.parametrize("algorithm", ["", "murmur64"])
@pytest.mark.parametrize("org_id", ["5e9d9544a1dcd60001d0ed20", "default"])
def test_the_key_may_be_signed_without_its_organisation(org_id: str, algorithm: str) -> None:
    token = make_token(org_id, "abc", algorithm)
    assert ask(digest("abc"), token, org_id=org_id) is None
    assert ask(digest(token), token, org_id=org_id) is None


def test_the_parameter_comes_before_the_header() -> None:
    good = digest("abc")
    assert ask("wrong", target=f"/?sig={good}", use_param=True, param_name="sig") is None
    assert ask(good, target="/?sig=wrong", use_param=True, param_name="sig") == NOT_VERIFIED
    assert ask(good, target="/?sig=wrong", param_name="sig") is None


def test_texts_of_the_definition() -> None:
    refused = ask("wrong", error_code=418, error_message="no tea")
    assert (refused.status, refused.message) == (418, "no tea")


def test_without_a_secret_nothing_is_signed() -> None:
    assert ask(digest("abc", ""), secret="") == NOT_VERIFIED
    assert ask(digest("abc", ""), secret="$tyk_meta.none") == NOT_VERIFIED


def test_an_unknown_algorithm() -> None:
    assert ask(digest("abc"), algorithm="rot13") is UNKNOWN_ALGORITHM
