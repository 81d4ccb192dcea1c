"""What clients did and were told, and what the log, the ledger and the ERP say of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

Place = tuple[str, str]
"""Item and site of a stock line."""


class Outcome(StrEnum):
    """What a client knows of its operation when it returns."""

    OK = "ok"
    LOST = "lost"
    """Somebody else was first: nothing was done, and at that moment it could not be done."""
    FAIL = "fail"
    """Refused: nothing was done."""
    UNKNOWN = "unknown"
    """No answer came: it was done, or will be, or never."""


@dataclass(frozen=True)
class Operation:
    """One operation on one proposal version; one that touches several versions is written down once for each."""

    token: int
    """Names the operation in the log."""
    client: int
    verb: str
    """read, approve, reject, edit, born, snooze, escalate, expire, execute or reconcile."""
    subject: str
    invoked: int
    """Monotonic, any unit; as ``returned``."""
    returned: int
    outcome: Outcome = Outcome.OK
    result: str = ""
    """State of the version as the answer told it."""


@dataclass(frozen=True)
class LogLine:
    """One entry of the audit chain, as far as it is checked."""

    sequence: int
    subject: str
    event: str
    token: int = 0
    """Operation it names; 0 where it names none."""
    moved: tuple[str, str] | None = None
    """The states an arrow led from and to."""
    promised: tuple[tuple[Place, int], ...] = ()
    """Units it promises (more than 0) or gives back (less) by stock line."""


@dataclass(frozen=True)
class Posting:
    """One document in the ERP's own books."""

    key: str
    reference: str
    subject: str


@dataclass(frozen=True)
class LedgerRead:
    """What a client saw of one stock line at one moment: units promised, and units there are to promise."""

    place: Place
    promised: int
    free: int


@dataclass(frozen=True)
class History:
    """A whole run."""

    operations: tuple[Operation, ...]
    readings: tuple[tuple[LogLine, ...], ...] = ()
    """The log as it was read, again and again, oldest reading first; without one it is not checked."""
    postings: tuple[Posting, ...] = ()
    free: dict[Place, int] = field(default_factory=dict)
    """Units each line had to promise before the run."""
    ledger_reads: tuple[LedgerRead, ...] = ()
    began: dict[str, str] = field(default_factory=dict)
    """State of each version before the run; one that is missing was not there."""
    ended: dict[str, str] = field(default_factory=dict)
    """The same after it."""

    @property
    def log(self) -> tuple[LogLine, ...]:
        """The newest reading."""
        return self.readings[-1] if self.readings else ()
