"""The port every ERP adapter implements: post a document under a key, and read back what the ERP holds.

Rules
-----
- ``post`` ends in one of four ways: a `Posting`, a definite no (`ErpRejectedError`), definitely not posted
  (`ErpUnreachableError`), or unknown (`ErpOutcomeUnknownError`). An adapter that cannot tell says *unknown*.
- Where ``capabilities.native_key`` is true the ERP itself keeps a key unique: the same document again answers with the
  same posting, another document under the key is rejected. Where it is false the key is only a searchable text, and
  posting twice makes two documents; the caller must not resend.
- What an ERP answers is foreign text. An adapter turns it into a `Posting` through `read_answer`, nowhere else.
- A posting that was found is not yet the posting that was asked for: compare it with `differences`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Protocol, runtime_checkable

from pydantic import Field, StringConstraints, ValidationError

from inventory.record import Id, Record, Utc
from inventory.records import ActionKind, ErpDocument, ErpLine
from tools.action_kinds import KINDS
from tools.errors import ErpOutcomeUnknownError

MAX_LINES = 1_000
"""A document with more lines is not one of ours."""

OptionalId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._/@#:+\-]{0,96}$")]
"""An identifier that may be absent (empty)."""


@dataclass(frozen=True)
class ErpCapabilities:
    """What an ERP and its adapter can do."""

    name: str
    native_key: bool
    """The ERP itself refuses a second document under one key."""
    actions: frozenset[ActionKind]
    """Kinds of document it can post."""
    answer_limit: timedelta
    """A document not found this long after it was sent was not posted and will not be."""


class Posting(Record):
    """A document as the ERP holds it."""

    key: OptionalId
    """Our idempotency key; empty for a document made by somebody else."""
    reference: Id
    """The ERP's own number of the document."""
    action: ActionKind
    destination: Id
    origin: OptionalId = ""
    supplier: OptionalId = ""
    order_id: OptionalId = ""
    """Order that is changed, for an order change."""
    mode: OptionalId = ""
    """Carrier, or what is changed, as far as the ERP keeps it."""
    arrive_on: date | None = None
    """Day the goods are promised for, as far as the ERP keeps it."""
    posted_at: Utc
    lines: Annotated[tuple[ErpLine, ...], Field(min_length=1, max_length=MAX_LINES)]


class ErpPort(Protocol):
    """An ERP, as far as Evenkeel uses it."""

    @property
    def capabilities(self) -> ErpCapabilities:
        """What this ERP can do."""
        ...

    def post(self, document: ErpDocument) -> Posting:
        """Post one document under its key.

        Raises
        ------
        ErpRejectedError
            A definite no, with the ERP's reason; nothing was posted.
        ErpUnreachableError
            Definitely not posted; asking again is safe.
        ErpOutcomeUnknownError
            It may be posted; only `find`, once ``answer_limit`` has passed, can tell.
        """
        ...

    def find(self, key: str) -> Posting | None:
        """The document that carries the key, with the lines the ERP holds; ``None`` if there is none so far.

        Raises
        ------
        ErpUnreachableError
            The ERP cannot be asked now.
        ErpOutcomeUnknownError
            It answered something that is not a document.
        ErpDuplicateError
            More than one document carries the key.
        """
        ...

    def on_hand(self, item: str, site: str) -> int:
        """Units physically at the site by the ERP's book, all lots together.

        Raises
        ------
        ErpRejectedError
            The ERP does not know the item or the site.
        """
        ...

    def open_documents(self, action: ActionKind | None = None) -> tuple[Posting, ...]:
        """Documents not yet received in full, ours and others', oldest first; of one kind if it is named."""
        ...


@runtime_checkable
class TellsTime(Protocol):
    """An ERP whose answers carry its time, as HTTP answers do in ``Date``."""

    def time(self) -> datetime:
        """The ERP's time, UTC; errors as in `ErpPort.find`."""
        ...


def read_answer(key: str, answer: Mapping[str, object]) -> Posting:
    """The posting an ERP's answer describes.

    Parameters
    ----------
    key
        The key that was asked about.
    answer
        Fields of a `Posting` as the ERP gave them; foreign text.

    Raises
    ------
    ErpOutcomeUnknownError
        A field is missing or malformed, or the answer is about another key. The message names fields only: what the
        ERP wrote is not repeated, it may be of any size and meant for the next reader.
    """
    try:
        posting = Posting.model_validate(answer)
    except ValidationError as error:
        fields = sorted({str(problem["loc"][0]) if problem["loc"] else "answer" for problem in error.errors()})
        known = [name for name in fields if name in Posting.model_fields] or ["an unexpected field"]
        problem_text = f"key {key}: the ERP's answer cannot be read, malformed: {', '.join(known)}"
    else:
        if posting.key == key:
            return posting
        problem_text = f"key {key}: the ERP answered about another key"
    raise ErpOutcomeUnknownError(problem_text)


def differences(document: ErpDocument, posting: Posting) -> tuple[str, ...]:
    """What the ERP holds otherwise than it was sent, a sentence each; empty when they agree line by line."""
    found = [
        f"{name}: sent {sent or 'nothing'}, the ERP holds {held or 'nothing'}"
        for name, sent, held in (
            ("action", document.action.value, posting.action.value),
            ("destination", document.destination, posting.destination),
            ("origin", document.origin, posting.origin),
            ("supplier", document.supplier, posting.supplier),
            ("order", document.order_id, posting.order_id),
        )
        if sent != held
    ]
    found += _other_terms(document, posting)
    sent_units, held_units = _units(document.lines), _units(posting.lines)
    for item, lot in sorted(sent_units.keys() | held_units.keys()):
        sent_quantity, held_quantity = sent_units[item, lot], held_units[item, lot]
        if sent_quantity != held_quantity:
            where = f"item {item}" + (f" lot {lot}" if lot else "")
            found.append(f"{where}: sent {sent_quantity} units, the ERP holds {held_quantity}")
    return tuple(found)


def _other_terms(document: ErpDocument, posting: Posting) -> list[str]:
    """Terms that are what the action is about: what is changed, and to which day."""
    spec = KINDS.get(document.action)
    found = []
    if spec and spec.mode_matters and document.mode != posting.mode:
        found.append(f"mode: sent {document.mode or 'nothing'}, the ERP holds {posting.mode or 'nothing'}")
    if spec and spec.day_matters and posting.arrive_on not in (None, document.arrive_on):
        found.append(f"day: sent {document.arrive_on}, the ERP holds {posting.arrive_on}")
    return found


def _units(lines: tuple[ErpLine, ...]) -> Counter[tuple[str, str]]:
    units: Counter[tuple[str, str]] = Counter()
    for line in lines:
        units[line.item, line.lot] += line.quantity
    return units
