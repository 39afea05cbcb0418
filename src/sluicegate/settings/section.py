"""What settings are made of: the base of every block, and the types a value may have beyond Python's own.

A default is what a running gateway uses, not what an empty file holds. Where Tyk takes 0 (or "") for "not set" and
puts something else in its place at run time, the field has one of the `...OrDefault` types: a value of 0 or below, or
an empty text, then means the default that stands behind the equals sign. So nobody has to ask twice.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Section(msgspec.Struct, frozen=True):
    """One block of the settings. Attributes are named as in `tyk.conf`; a text behind an attribute documents it.

    Not to be changed: `msgspec.structs.replace` makes another.
    """


ZERO_MEANS_DEFAULT = "zero_means_default"
GO_DURATION = "go_duration"
SECONDS = "seconds"

Port = Annotated[int, Meta(ge=0, le=65535)]
PortOrDefault = Annotated[int, Meta(ge=0, le=65535, extra={ZERO_MEANS_DEFAULT: True})]
IntOrDefault = Annotated[int, Meta(extra={ZERO_MEANS_DEFAULT: True})]
FloatOrDefault = Annotated[float, Meta(extra={ZERO_MEANS_DEFAULT: True})]
StrOrDefault = Annotated[str, Meta(extra={ZERO_MEANS_DEFAULT: True})]

Nanoseconds = Annotated[int, Meta(extra={GO_DURATION: True})]
"""Go's time.Duration: whole nanoseconds in JSON, a text such as `10s` in the environment (contract 01.2)."""

NanosecondsOrDefault = Annotated[int, Meta(extra={GO_DURATION: True, ZERO_MEANS_DEFAULT: True})]

Seconds = Annotated[float, Meta(ge=0, extra={SECONDS: True})]
"""Our own durations: a number of seconds, or a text such as `10s`, both in JSON and in the environment."""

Amount = Annotated[int, Meta(ge=0)]
"""Our own counts and sizes: never negative."""

TLSVersion = Literal[0, 769, 770, 771, 772]
"""Go's number of a TLS version: 769 is 1.0, 770 is 1.1, 771 is 1.2, 772 is 1.3; 0 leaves it open (1.2 to 1.3)."""

TLSVersionName = Literal["", "1.0", "1.1", "1.2", "1.3"]
