"""What a capability answers: facts prose may state, tables for people, where it is from, and a sentence that is true.

``facts`` is everything words may say: each has its value and its printed text, unit included. ``template`` is the
answer in words with ``{{fact}}`` slots and no figure, date or id outside them; it is what is said without a model.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from inventory.record import Id, Record, Text, Utc
from inventory.records import ProposalLine
from tools.capabilities.arguments import PrefillProposal
from tools.errors import ToolInputError

FactKind = Literal[
    "quantity", "money", "percent", "days", "ratio", "date", "item", "site", "supplier", "document", "clause",
    "reference", "words",
]  # fmt: skip
"""``reference`` is the id of a case, proposal, order, lane, user …; ``words`` are words of the data or of the rules."""
Cell = str | int | float | None
SourceKind = Literal["snapshot", "plan_run", "sweep", "document", "policy", "case", "proposal", "ledger"]
_SLOT = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")


class Fact(Record):
    """One thing prose may state."""

    value: str | int | float
    """Number in ``unit``, ISO date, id or words; money in whole units of the currency."""
    kind: FactKind
    unit: str = ""
    """``units``, ``EUR``, ``%``, ``days``, ``weeks``, or what is counted; empty for what has none."""
    role: Literal["", "origin", "destination", "supplier"] = ""
    """Whether a site gives or receives."""
    decimals: int | None = None
    """Coarsest place prose may round to; ``None``: the value is exact."""
    text: Text
    """As printed, unit included."""

    @property
    def number(self) -> float:
        """The value as a number; 0 for what is none."""
        return float(self.value) if isinstance(self.value, int | float) else 0.0


class Column(Record):
    """A column of a table."""

    name: str
    unit: str = ""


class Table(Record):
    """Rows for people to look at."""

    title: Text
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: int = Field(default=0, ge=0)
    """Rows there are besides those shown."""


class Source(Record):
    """What an answer rests on."""

    kind: SourceKind
    reference: str
    """Id of the snapshot, plan run, sweep, document, case or proposal; kind of the policy."""
    as_of: Utc | None = None
    version: int | None = None
    clause: str = ""

    @property
    def text(self) -> str:
        """As it is cited: ``SOP-TRF-01@2#3.1``, ``snapshot snap-… as of …``."""
        if self.kind == "document":
            return f"{self.reference}@{self.version}" + (f"#{self.clause}" if self.clause else "")
        words = self.kind.replace("_", " ")
        version = "" if self.version is None else f" version {self.version}"
        moment = "" if self.as_of is None else f" as of {self.as_of:%Y-%m-%d %H:%M} UTC"
        return f"{words} {self.reference}{version}{moment}"


class Answer(Record):
    """What a capability found."""

    capability: Id
    found: bool = True
    """Whether there was anything to tell; if not, the template says so."""
    facts: dict[str, Fact]
    tables: tuple[Table, ...] = ()
    sources: tuple[Source, ...]
    template: Text
    notes: tuple[Text, ...] = ()
    """Slotted sentences a reader must not miss: old data, nothing found, rows left out."""

    @property
    def slots(self) -> dict[str, str]:
        """Printed text of each fact, which is what fills the slots."""
        return {name: fact.text for name, fact in self.facts.items()}

    @property
    def text(self) -> str:
        """The template and the notes, filled."""
        return " ".join(self.filled(part) for part in (self.template, *self.notes) if part)

    def filled(self, template: str) -> str:
        """A template of this answer with its slots replaced, once.

        Raises
        ------
        ToolInputError
            If a slot has no fact.
        """

        def fact(slot: re.Match[str]) -> str:
            if slot.group(1) not in self.facts:
                raise ToolInputError(f"{self.capability}: no fact fills the slot {slot.group(1)}")
            return self.facts[slot.group(1)].text

        return _SLOT.sub(fact, template)


class SuggestedForm(Record):
    """A proposal somebody may submit: it stores nothing, reserves nothing and binds nobody."""

    asked: PrefillProposal
    """What it was computed from; submitted later, it is computed again."""
    lines: tuple[ProposalLine, ...] = Field(min_length=1)
    value_minor: int = Field(ge=0)
    """What the lines put at stake: what is paid, and the goods they take."""
    currency: str
    snapshot_id: Id
    asked_by: Id


class FormAnswer(Answer):
    """An answer that carries a form; without one when nothing can be suggested, and the notes say why."""

    form: SuggestedForm | None = None
    form_digest: str = ""
    """Names the form when a person submits it."""
