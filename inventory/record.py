"""The base of every stored record, the field types that keep digests stable, and ``digest``.

Two equal records must serialise to equal bytes on every database and Python version, so money is integer minor
units, quantities are integers, times are UTC, text is NFC without control characters, and numbers are finite.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints

DIGEST_PREFIX = b"evenkeel.digest.v1\n"


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _plain_text(value: str) -> str:
    for character in value:
        code = ord(character)
        if 0xD800 <= code <= 0xDFFF or (code < 0x20 and character not in "\n\t") or code == 0x7F:
            raise ValueError(f"text holds the control character U+{code:04X}")
    return unicodedata.normalize("NFC", value)


Utc = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""A moment, kept in UTC whatever offset it came with."""

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._/@#:+\-]{1,96}$")]
"""An identifier: ASCII, no spaces."""

Text = Annotated[str, AfterValidator(_plain_text)]
"""Words for people: NFC, no NUL, no lone surrogates, no control characters but newline and tab."""

Measures = dict[str, float]
"""Named numbers behind a statement; names carry the unit."""


class Record(BaseModel):
    """Something that crosses a boundary or is stored. A change is a new record."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="constants")


R = TypeVar("R", bound=Record)


def canonical(value: Any) -> str:
    """Canonical JSON of plain data: sorted keys, no spaces, no NaN or infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def canonical_record(record: Record) -> str:
    """Canonical JSON of a record; ``load`` reads it back to an equal record."""
    data = record.model_dump(mode="json")
    body = canonical(data)
    return canonical(_one_zero(data)) if "-0.0" in body else body


def _one_zero(value: Any) -> Any:
    """Minus zero equals zero, so it is written as zero."""
    if isinstance(value, float):
        return value + 0.0
    if isinstance(value, dict):
        return {name: _one_zero(part) for name, part in value.items()}
    return [_one_zero(part) for part in value] if isinstance(value, list) else value


def load(kind: type[R], body: str) -> R:
    """The record a canonical text was made from."""
    return kind.model_validate_json(body)


def digest(record: Record) -> str:
    """SHA-256 over prefix, record type and canonical JSON, as 64 hexadecimal characters."""
    return digest_body(type(record), canonical_record(record))


def digest_body(kind: type[Record], body: str) -> str:
    """The digest of a record of that kind whose canonical JSON is at hand."""
    return hashlib.sha256(DIGEST_PREFIX + kind.__name__.encode() + b"\n" + body.encode()).hexdigest()


def digest_text(*parts: str) -> str:
    """SHA-256 over texts, each length-prefixed so that no two lists share bytes."""
    sha = hashlib.sha256(DIGEST_PREFIX)
    for part in parts:
        data = part.encode()
        sha.update(len(data).to_bytes(8, "big") + data)
    return sha.hexdigest()


def short_id(kind: str, *parts: str) -> str:
    """A readable id: kind, dash, 12 hexadecimal characters of the parts' digest."""
    return f"{kind}-{digest_text(kind, *parts)[:12]}"
