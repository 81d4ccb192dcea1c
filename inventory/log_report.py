"""Everything the log can be held against, in one reading: links, anchor, heads, further places, and the tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from inventory.anchor import Anchor
from inventory.audit import Verification, verify
from inventory.audit_folds import a_book
from inventory.audit_heads import HeadCheck, against_log, check_heads, check_kept, kept_heads, wanted_sequences
from inventory.audit_mirrors import READERS
from inventory.audit_state import differences
from inventory.chain import AuditEntry
from inventory.errors import AuditError
from inventory.head_sinks import Undelivered
from inventory.heads import HeadSigner, SignedHead, public_file

KEY_EVENT = "signing_key.created"
"""Event that names the public key of the house."""


@dataclass(frozen=True)
class Alarm:
    """Something that does not hold."""

    part: str
    """``chain``, ``anchor``, ``heads``, ``key`` or ``state``."""
    first_bad: int | None
    """First entry that does not hold, or that says what a row should be; none when no entry speaks of the row."""
    row: str
    """Table and key, for ``state``."""
    problem: str

    @property
    def words(self) -> str:
        """One line for people."""
        return f"{self.row}: {self.problem}" if self.row else self.problem


@dataclass(frozen=True)
class LogReport:
    """What came of holding the log against everything it can be held against."""

    chain: Verification
    heads: HeadCheck
    rows: int
    """Rows the log tells of, all compared; 0 while the chain itself is broken."""
    alarms: tuple[Alarm, ...]
    undelivered: tuple[Undelivered, ...]

    @property
    def sound(self) -> bool:
        """Nothing was tampered with, as far as it can be told."""
        return not self.alarms

    @property
    def not_signed(self) -> int:
        """Entries no head covers."""
        return max(self.chain.entries - self.heads.newest, 0)


def examine_log(connection: Connection, anchor: Anchor) -> LogReport:
    """Read every link once and hold it against the anchor, the heads in every place, and the tables.

    Parameters
    ----------
    connection
        Must not have read anything yet: what is anchored later than it sees would look like a missing entry.
    """
    undelivered = anchor.undelivered()
    try:
        placed = _placed(anchor)  # first the places, then the anchor, then the log: each holds all the one before does
        heads = anchor.heads()
        wanted = wanted_sequences(heads, *placed.values())
        book, hashes, keys = a_book(), dict[int, str](), list[tuple[int, str]]()

        def observe(entry: AuditEntry) -> None:
            book.observe(entry)
            if entry.sequence in wanted:
                hashes[entry.sequence] = entry.hash
            if entry.event == KEY_EVENT:
                keys.append((entry.sequence, str(entry.data["public"])))

        chain = verify(connection, anchor, observe)
    except AuditError as error:  # the anchor, or a place, contradicts itself
        return LogReport(
            Verification(0, 0, 1, str(error)), HeadCheck(0, 0, None, ""), 0,
            (Alarm("anchor", _named(str(error)), "", str(error)),), undelivered,
        )  # fmt: skip
    alarms = [Alarm("chain", chain.first_bad, "", chain.problem)] if not chain.sound else []
    checked = HeadCheck(len(heads), 0, None, "")
    if keys or heads or anchor.signer is not None:
        alarms += _key_alarms(anchor.signer, keys)
        public = keys[-1][1] if keys else ""
        if chain.sound:
            checked = check_heads(
                heads, public=public, hashes=hashes, entries=chain.entries, anchored_to=chain.anchored_to
            )
            alarms += _head_alarms(connection, anchor, checked, heads, placed, hashes, chain.entries, public)
    rows = 0
    if chain.sound:
        alarms += [Alarm("state", row.sequence, f"{row.table} {row.key}", row.problem)
                   for row in differences(book, connection, READERS)]  # fmt: skip
        rows = sum(len(book.told(table)) for table in READERS)
    return LogReport(chain, checked, rows, tuple(alarms), undelivered)


def _placed(anchor: Anchor) -> dict[str, list[SignedHead]]:
    """Heads of every further place that can be read back."""
    return {sink.name: sink.heads() for sink in anchor.deliveries.sinks} if anchor.deliveries else {}


def _named(problem: str) -> int | None:
    """Sequence a message names, if it does."""
    words = problem.split()
    after = [words[place + 1] for place, word in enumerate(words[:-1]) if word == "entry"]
    return int(after[0]) if after and after[0].isdigit() else None


def _key_alarms(signer: HeadSigner | None, keys: list[tuple[int, str]]) -> list[Alarm]:
    """The key in the log must be the one at hand, its public file must say the same, and there must be one only."""
    if not keys:
        return [Alarm("key", None, "", "heads are signed, but the log tells of no signing key")]
    sequence, public = keys[-1]
    if len(keys) > 1:
        return [Alarm("key", sequence, "", f"entry {sequence} tells of a second signing key")]
    if signer is None:
        return []
    return [Alarm("key", sequence, "", problem) for problem in _key_problems(signer.key, signer, sequence, public)]


def _key_problems(key: Path, signer: HeadSigner, sequence: int, public: str) -> list[str]:
    try:
        held, shown = signer.public, public_file(key).read_text("ascii").strip()
    except (OSError, ValueError) as error:
        return [f"the signing key cannot be read: {error}"]
    if held != public:
        return [f"{key} is not the key of entry {sequence}"]
    return [] if shown == public else [f"{public_file(key)} is not the key of entry {sequence}"]


def _head_alarms(
    connection: Connection, anchor: Anchor, checked: HeadCheck, heads: list[SignedHead],
    placed: dict[str, list[SignedHead]], hashes: dict[int, str], entries: int, public: str,
) -> list[Alarm]:  # fmt: skip
    if checked.first_bad is not None:
        return [Alarm("heads", checked.first_bad, "", checked.problem)]
    kept = kept_heads(connection)
    found = check_kept(kept, heads, where="the database", public=public)
    if found:  # a head kept since the anchor was read is in the anchor by now
        found = check_kept(kept, anchor.heads(), where="the database", public=public)
    for name, there in placed.items():
        if found:
            break
        found = next(filter(None, (against_log(head, hashes, entries) for head in there)), None)
        found = found or check_kept(there, heads, where=f"the {name}", public=public)
    return [Alarm("heads", found[0], "", found[1])] if found else []
