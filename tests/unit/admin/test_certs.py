"""Certificates in the gateway API (contract 04.10)."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

AUTHORITY = trustme.CA()
KEY = generate_private_key(SECP256R1())
KEY_PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
PUBLIC_DER = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
SUBJECT = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "UK"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "<One> Ltd"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Two Ltd"),
        x509.NameAttribute(NameOID.COMMON_NAME, "one"),
        x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@one.test"),
    ]
)
FROM = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
UNTIL = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)


def made(*, names: tuple[str, ...] = (), authority: bool = False) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder(SUBJECT, SUBJECT, KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(FROM)
        .not_valid_after(UNTIL)
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(map(x509.DNSName, names))), critical=False)
    return builder.sign(KEY, SHA256())


LEAF = made(names=("one.test", "two.test"))
CA = made(authority=True)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(SHA256()).hex()


LEAF_ID, CA_ID = "org" + fingerprint(LEAF), "org" + fingerprint(CA)


async def test_adding(admin):
    added = await admin.call("POST", "/tyk/certs?org_id=org", content=pem(LEAF) + KEY_PEM)
    assert added.status_code == 200
    assert added.text == f'{{"id":"{LEAF_ID}","status":"ok","message":"Certificate added"}}\n'
    assert admin.node.renewed == [LEAF_ID]
    assert b"ENCRYPTED PRIVATE KEY" in await admin.node.store.get(f"cert-raw-{LEAF_ID}")
    again = await admin.said("POST", "/tyk/certs?org_id=org", content=pem(LEAF))
    assert again == (403, f"Certificate with {LEAF_ID} id already exists")


async def test_one_without_an_organisation(admin):
    added = await admin.call("POST", "/tyk/certs", content=pem(LEAF))
    assert added.json()["id"] == fingerprint(LEAF)
    assert (await admin.call("GET", "/tyk/certs")).json() == {"certs": [fingerprint(LEAF)]}
    assert await admin.said("DELETE", f"/tyk/certs/{fingerprint(LEAF)}") == (200, "removed")
    assert (await admin.call("GET", "/tyk/certs")).text == '{"certs":null}\n'


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/tyk/certs?org_id=org", b"nothing", "Failed to decode certificate. It should be PEM encoded."),
        ("/tyk/certs?org_id=a/b", pem(LEAF), "org_id may consist of letters, digits, - and _ only"),
    ],
)
async def test_what_is_refused(admin, path, body, reason):
    assert await admin.said("POST", path, content=body) == (403, reason)
    assert admin.node.renewed == []
    assert await admin.node.store.scan("cert-") == []


@pytest.mark.parametrize(("setting", "size"), [(0, (1 << 20) + 1), (1 << 30, (1 << 20) + 1), (1000, 1001)])
async def test_the_body_has_a_limit(make_admin, setting, size):
    admin = make_admin(http_server_options={"max_request_body_size": setting})
    answer = await admin.call("POST", "/tyk/certs", content=b"x" * size)
    assert (answer.status_code, answer.text) == (413, "Request Entity Too Large\n")


async def test_lists(admin):
    assert (await admin.call("GET", "/tyk/certs?org_id=org")).text == '{"certs":null}\n'
    assert (await admin.call("GET", "/tyk/certs?org_id=org&mode=detailed")).text == '{"certs":null}\n'
    for one in (LEAF, CA):
        await admin.call("POST", "/tyk/certs?org_id=org", content=pem(one))
    assert (await admin.call("GET", "/tyk/certs?org_id=org")).json() == {"certs": [LEAF_ID, CA_ID]}
    assert (await admin.call("GET", "/tyk/certs?org_id=other")).json() == {"certs": None}
    until = UNTIL.strftime("%Y-%m-%dT%H:%M:%SZ")
    expected = (
        f'{{"certs":[{{"id":"{LEAF_ID}","issuer_cn":"one","subject_cn":"one","dns_names":["one.test","two.test"],'
        f'"has_private":false,"not_before":"2020-01-02T03:04:05Z","not_after":"{until}","is_ca":false}},'
        f'{{"id":"{CA_ID}","issuer_cn":"one","subject_cn":"one","dns_names":null,'
        f'"has_private":false,"not_before":"2020-01-02T03:04:05Z","not_after":"{until}","is_ca":true}}]}}\n'
    )
    assert (await admin.call("GET", "/tyk/certs?org_id=org&mode=detailed")).text == expected


NAME = (
    '{"Country":["UK"],"Organization":["\\u003cOne\\u003e Ltd","Two Ltd"],"OrganizationalUnit":null,"Locality":null,'
    '"Province":null,"StreetAddress":null,"PostalCode":null,"SerialNumber":"","CommonName":"one","Names":['
    '{"Type":[2,5,4,6],"Value":"UK"},{"Type":[2,5,4,10],"Value":"\\u003cOne\\u003e Ltd"},'
    '{"Type":[2,5,4,10],"Value":"Two Ltd"},{"Type":[2,5,4,3],"Value":"one"},'
    '{"Type":[1,2,840,113549,1,9,1],"Value":"a@one.test"}],"ExtraNames":null}'
)


async def test_one_as_go_writes_it(admin):
    await admin.call("POST", "/tyk/certs?org_id=org", content=pem(CA) + KEY_PEM)
    until = UNTIL.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (await admin.call("GET", f"/tyk/certs/{CA_ID}")).text == (
        f'{{"id":"{CA_ID}","fingerprint":"{fingerprint(CA)}","has_private":true,"issuer":{NAME},"subject":{NAME},'
        f'"not_before":"2020-01-02T03:04:05Z","not_after":"{until}","is_ca":true}}\n'
    )


async def test_several(admin):
    await admin.call("POST", "/tyk/certs?org_id=org", content=pem(LEAF))
    shown = (await admin.call("GET", f"/tyk/certs/{LEAF_ID},{CA_ID}")).json()
    assert (shown[0]["id"], shown[1]) == (LEAF_ID, None)


async def test_a_public_key(admin):
    await admin.call("POST", "/tyk/certs?org_id=org", content=PUBLIC)
    digest = hashlib.sha256(PUBLIC_DER).hexdigest()
    [basics] = (await admin.call("GET", "/tyk/certs?org_id=org&mode=detailed")).json()["certs"]
    assert basics == {
        "id": "org" + digest,
        "issuer_cn": "",
        "subject_cn": f"Public Key: {digest}",
        "dns_names": None,
        "has_private": False,
        "not_before": "0001-01-01T00:00:00Z",
        "not_after": "0001-01-01T00:00:00Z",
        "is_ca": False,
    }
    shown = (await admin.call("GET", f"/tyk/certs/org{digest}")).json()
    assert (shown["subject"]["CommonName"], shown["subject"]["Names"]) == (f"Public Key: {digest}", None)


@pytest.mark.parametrize("path", ["org" + "1" * 64, "/etc/passwd", "pyproject.toml"])
async def test_what_is_not_there_and_no_file_is_read(admin, path):
    answer = await admin.call("GET", f"/tyk/certs/{path}")
    assert answer.status_code == 404


async def test_records_that_hold_no_certificate_are_not_shown(admin):
    for one, text in (("1", b"junk"), ("2", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")):
        await admin.node.store.set(f"cert-raw-org{one * 64}", text)
    assert (await admin.call("GET", "/tyk/certs?org_id=org&mode=detailed")).json() == {"certs": None}
    not_found = "Certificate with given SHA256 fingerprint not found"
    assert await admin.said("GET", f"/tyk/certs/org{'2' * 64}") == (404, not_found)


async def test_removing(admin):
    await admin.call("POST", "/tyk/certs?org_id=org", content=pem(LEAF))
    for _ in range(2):
        assert (await admin.call("DELETE", f"/tyk/certs/{LEAF_ID}")).json() == {"status": "ok", "message": "removed"}
    assert admin.node.renewed == [LEAF_ID] * 3
    assert (await admin.call("GET", "/tyk/certs?org_id=org")).json() == {"certs": None}
    assert await admin.node.store.list_items("cert-org-index") == []


async def test_no_answer_has_the_private_key(admin):
    await admin.call("POST", "/tyk/certs?org_id=org", content=pem(LEAF) + KEY_PEM)
    for path in ("/tyk/certs", "/tyk/certs?mode=detailed", f"/tyk/certs/{LEAF_ID}"):
        text = (await admin.call("GET", path)).text
        json.loads(text)
        assert "PRIVATE KEY" not in text
        assert KEY_PEM.decode().splitlines()[1] not in text
