"""What one kind of action is, as data: the shape the rules of every kind are written in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic import Field

from inventory.people import NEVER_SIGN
from inventory.record import Record
from inventory.records import ActionKind, ErpDocument, ErpLine, ProposalLine

Place = tuple[str, str]
"""Item and site."""
OVERSEERS = frozenset({"central", "manager"})
"""Roles that may close anybody's task."""


class ActionEffects(Record):
    """What an action touches beside the stock it moves: factors of the gate."""

    valuation_change_minor: int = Field(ge=0)
    """By how much the stock's worth changes, either way."""
    spend_minor: int = Field(ge=0)
    """Money it commits to a supplier."""
    changes_supplier_commitment: bool
    changes_customer_commitment: bool
    reversible: bool
    """It can be turned back for no more than the cost of the movement."""


@dataclass(frozen=True)
class KindSpec:
    """The rules of one kind.

    Parameters
    ----------
    says
        Fields a line must fill.
    leaves_empty
        Fields a line must not fill.
    checks
        Further problems of a line, a sentence each.
    takes
        Item and site whose stock a line takes units of, if any.
    becomes
        The ERP document it is, in words.
    goods_travel
        Goods arrive some time after it is carried out: the case waits for them.
    task
        What a person does where the ERP cannot, for one line.
    role
        Who gets that task.
    reversal
        What undoes it, in words, or that nothing does.
    undone_by
        Kind of action that undoes it, where there is one.
    """

    action: ActionKind
    becomes: str
    says: tuple[str, ...]
    task: Callable[[ErpDocument, ErpLine], str]
    role: str
    reversal: str
    undone_by: ActionKind | None = None
    leaves_empty: tuple[str, ...] = ()
    checks: Callable[[ProposalLine], Iterator[str]] = lambda line: iter(())
    takes: Callable[[ProposalLine], Place | None] = lambda line: None
    goods_travel: bool = False
    reversible: bool = True
    spends: bool = False
    revalues: bool = False
    touches_supplier: bool = False
    touches_customer: bool = False
    mode_matters: bool = False
    """``mode`` says what is done, not by which carrier: the ERP must hold the same."""
    day_matters: bool = False
    """The day of arrival is what is changed: the ERP must hold the same."""

    def problems_of(self, line: ProposalLine) -> Iterator[str]:
        """What is wrong with a line, a sentence each."""
        where = f"line {line.number} ({self.action.value} of {line.item})"
        for name in self.says:
            if not getattr(line, name):
                yield f"{where}: needs its {name}"
        for name in self.leaves_empty:
            if getattr(line, name):
                yield f"{where}: has no {name}, got {getattr(line, name)}"
        if line.arrive_on < line.ship_on:
            yield f"{where}: arrives {line.arrive_on}, before it ships {line.ship_on}"
        for problem in self.checks(line):
            yield f"{where}: {problem}"


def may_close(roles: tuple[str, ...], task_role: str) -> bool:
    """Whether somebody with these roles may close a task of that role; a role that never signs closes nothing."""
    return bool(set(roles) & ({task_role} | OVERSEERS)) and not set(roles) & set(NEVER_SIGN)


def lot_words(line: ErpLine) -> str:
    """`` of lot L``, or nothing."""
    return f" of lot {line.lot}" if line.lot else ""
