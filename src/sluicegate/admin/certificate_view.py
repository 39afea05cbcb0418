"""How certificates are shown: with the JSON that Go makes of its structs (contract 04.10). No private key is read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography import x509

from sluicegate.apidef.gotypes import GoStruct, Omit
from sluicegate.store.certificate_records import fingerprint_of
from sluicegate.wire.pem import CERTIFICATE, PUBLIC_KEY, Block, blocks_of

NO_TIME = "0001-01-01T00:00:00Z"
X520 = (2, 5, 4)
"""What the identifiers of the usual parts of a name begin with (ITU-T X.520)."""


class NamePart(GoStruct, frozen=True):
    """One attribute of a name: its identifier and its text."""

    Type: Sequence[int]
    Value: str


class Name(GoStruct, frozen=True):
    """Go's pkix.Name."""

    Country: Sequence[str] = ()
    Organization: Sequence[str] = ()
    OrganizationalUnit: Sequence[str] = ()
    Locality: Sequence[str] = ()
    Province: Sequence[str] = ()
    StreetAddress: Sequence[str] = ()
    PostalCode: Sequence[str] = ()
    SerialNumber: str = ""
    CommonName: str = ""
    Names: Sequence[NamePart] = ()
    ExtraNames: Sequence[NamePart] = ()


LISTS = {
    6: "Country",
    10: "Organization",
    11: "OrganizationalUnit",
    7: "Locality",
    8: "Province",
    9: "StreetAddress",
    17: "PostalCode",
}
TEXTS = {5: "SerialNumber", 3: "CommonName"}


class Basics(GoStruct, frozen=True):
    """A certificate in a detailed list."""

    id: str
    issuer_cn: str
    subject_cn: str
    dns_names: Sequence[str]
    has_private: bool
    not_before: str
    not_after: str
    is_ca: bool


class Meta(GoStruct, frozen=True):
    """A certificate by itself."""

    id: str
    fingerprint: str
    has_private: bool
    issuer: Name
    subject: Name
    not_before: str
    not_after: str
    dns_names: Omit[Sequence[str]] = ()
    is_ca: bool = False


def meta_of(certificate_id: str, record: bytes) -> Meta | None:
    """Return what is shown of a record; None when it holds nothing that could be shown."""
    blocks = list(blocks_of(record))
    has_private = any(block.is_private_key for block in blocks)
    shown = next((block for block in blocks if block.kind in (CERTIFICATE, PUBLIC_KEY)), None)
    if shown is None:
        return None
    fingerprint = fingerprint_of(shown.data)
    if shown.kind == PUBLIC_KEY:
        name = Name(CommonName=f"Public Key: {fingerprint}")
        return Meta(certificate_id, fingerprint, has_private, Name(), name, NO_TIME, NO_TIME)
    try:
        return _meta(certificate_id, fingerprint, has_private, shown)
    except ValueError:
        return None


def basics_of(meta: Meta) -> Basics:
    """Return what stands of a certificate in a list."""
    return Basics(
        meta.id,
        meta.issuer.CommonName,
        meta.subject.CommonName,
        meta.dns_names,
        meta.has_private,
        meta.not_before,
        meta.not_after,
        meta.is_ca,
    )


def _meta(certificate_id: str, fingerprint: str, has_private: bool, shown: Block) -> Meta:
    certificate = x509.load_der_x509_certificate(shown.data)
    return Meta(
        certificate_id,
        fingerprint,
        has_private,
        _name(certificate.issuer),
        _name(certificate.subject),
        _time(certificate.not_valid_before_utc),
        _time(certificate.not_valid_after_utc),
        tuple(_dns_names(certificate)),
        _is_authority(certificate),
    )


def _name(name: x509.Name) -> Name:
    """Return a name as Go sorts it: lists and texts of what it knows, and all of it in order."""
    parts = [NamePart(_numbers(one.oid), _text(one.value)) for one in name]
    fields: dict[str, Any] = {"Names": tuple(parts)}
    for part in parts:
        if len(part.Type) != len(X520) + 1 or tuple(part.Type[:-1]) != X520:
            continue
        kind = part.Type[-1]
        if kind in LISTS:
            fields[LISTS[kind]] = (*fields.get(LISTS[kind], ()), part.Value)
        elif kind in TEXTS:
            fields[TEXTS[kind]] = part.Value
    return Name(**fields)


def _numbers(oid: x509.ObjectIdentifier) -> tuple[int, ...]:
    return tuple(int(number) for number in oid.dotted_string.split("."))


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(len(NO_TIME), "0")


def _dns_names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.DNSName)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
