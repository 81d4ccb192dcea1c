"""Signed heads: after each commit, Ed25519 over how far the chain has come, chained to the head before.

A head says *the entry of this sequence has this hash*; since every entry carries the hash of the one before, it
vouches for all of them. Whoever holds the newest head can tell whether a log was shortened or rewritten since. Needs
the standard library and ``cryptography`` only.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from inventory.chain import GENESIS

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_SIGNED = b"evenkeel.head.v1\n"
_LINKED = b"evenkeel.head.link.v1\n"
_WORD = "head"


@dataclass(frozen=True)
class SignedHead:
    """How far the chain had come, and who says so."""

    sequence: int
    hash: str
    """Hash of the entry of that sequence, 64 hexadecimal characters."""
    at: str
    """When it was signed, ISO, UTC."""
    previous: str
    """``link`` of the head before; zeros for the first."""
    signature: str
    """Ed25519, 128 hexadecimal characters."""

    @property
    def signed_bytes(self) -> bytes:
        """What the signature is over: prefix, sequence, hash, length-prefixed time, previous head."""
        moment = self.at.encode()
        return (
            _SIGNED
            + self.sequence.to_bytes(8, "big")
            + bytes.fromhex(self.hash)
            + len(moment).to_bytes(8, "big")
            + moment
            + bytes.fromhex(self.previous)
        )

    @property
    def link(self) -> str:
        """What the next head names: SHA-256 over what was signed and the signature."""
        return hashlib.sha256(_LINKED + self.signed_bytes + bytes.fromhex(self.signature)).hexdigest()

    @property
    def line(self) -> str:
        """One line of text; ``parse_head`` reads it back."""
        return f"{_WORD} {self.sequence} {self.hash} {self.at} {self.previous} {self.signature}"


def parse_head(line: str) -> SignedHead | None:
    """The head a line holds, or ``None`` for any other line, a torn one included."""
    words = line.split()
    if len(words) != 6 or words[0] != _WORD or [len(words[place]) for place in (2, 4, 5)] != [64, 64, 128]:
        return None
    head = SignedHead(int(words[1]) if words[1].isascii() and words[1].isdigit() else -1, *words[2:])
    try:
        datetime.fromisoformat(head.at)
        _ = head.link
    except (ValueError, OverflowError):
        return None
    return head


class HeadSigner:
    """Signs heads with a key kept in a file; the key is read when the first head is signed.

    Parameters
    ----------
    key
        PEM file of the private key.
    clock
        Tells when a head is signed.
    """

    def __init__(self, key: Path, clock: Callable[[], datetime]) -> None:
        self.key = key
        self._clock = clock
        self._loaded: Ed25519PrivateKey | None = None

    @property
    def available(self) -> bool:
        """Whether there is a key to sign with."""
        return self._loaded is not None or self.key.exists()

    def sign(self, sequence: int, hash_: str, previous: str) -> SignedHead:
        """The head of a chain that has come to that entry, following that head."""
        at = self._clock().astimezone(UTC).isoformat()
        unsigned = SignedHead(sequence, hash_, at, previous, "")
        return SignedHead(sequence, hash_, at, previous, self._private().sign(unsigned.signed_bytes).hex())

    @property
    def public(self) -> str:
        """The public key, 64 hexadecimal characters."""
        return self._private().public_key().public_bytes_raw().hex()

    def _private(self) -> Ed25519PrivateKey:
        if self._loaded is None:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
            from cryptography.hazmat.primitives.serialization import load_pem_private_key

            loaded = load_pem_private_key(self.key.read_bytes(), password=None)
            if not isinstance(loaded, Ed25519PrivateKey):
                raise ValueError(f"{self.key}: expected an Ed25519 key, not {type(loaded).__name__}")
            self._loaded = loaded
        return self._loaded


def public_file(key: Path) -> Path:
    """Where the public key of a signing key lies."""
    return key.with_suffix(".pub")


def create_key(key: Path) -> None:
    """Make a signing key (0600) and beside it its public half; a key already there stays."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key.parent.mkdir(parents=True, exist_ok=True)
    aside = key.with_name(f"{key.name}.{os.getpid()}")
    made = Ed25519PrivateKey.generate()
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(aside, key)
        public_file(key).write_text(f"{made.public_key().public_bytes_raw().hex()}\n", "ascii")
    except FileExistsError:
        pass  # another process was first: its key is the house's
    finally:
        aside.unlink()


def is_signed_by(head: SignedHead, public: str) -> bool:
    """Whether the head's signature is that public key's."""
    from cryptography.exceptions import InvalidSignature

    try:
        _public(public).verify(bytes.fromhex(head.signature), head.signed_bytes)
    except (InvalidSignature, ValueError):
        return False
    return True


@lru_cache(maxsize=8)
def _public(public: str) -> Ed25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))


def head_problem(head: SignedHead, before: SignedHead | None, public: str) -> tuple[int, str] | None:
    """First bad sequence and reason, if a head cannot follow the one before it under that key."""
    if not is_signed_by(head, public):
        return head.sequence, f"the head of entry {head.sequence} is not signed with this house's key"
    if before is not None and head.sequence <= before.sequence:
        return (
            head.sequence,
            f"the head of entry {head.sequence} is a replay: it follows {before.sequence}",
        )
    if head.previous != (before.link if before else GENESIS):
        first = before.sequence + 1 if before else 1
        return first, f"a head between entry {first} and {head.sequence} is missing: the next does not follow"
    return None
