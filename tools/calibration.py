"""Is a stated confidence kept? The options of the newest plan, back-tested in worlds whose truth is known.

The confidence of an option says in what share of parameter draws its ranking survives. Here true worlds are drawn
around the planned cases, estimated with error and ranked as ever, and choices stated at some confidence are held
against the share of them that were the best in the true world. How much history there is lowers the confidence of an
option besides; that is caution, not measured here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from pydantic import Field
from sqlalchemy import Connection

from inventory.cases import find_case
from inventory.proposals import list_proposals
from inventory.record import Record, Utc
from inventory.records import EVERYTHING, Proposal
from optimizer.options.back_test import KeptChoices, confidence_back_test
from optimizer.options.confidence import SURENESS
from tools.assemble import SURPLUS, described_needs, plan_outlook
from tools.errors import ToolInputError
from tools.option_card import DescribedNeed
from tools.option_rows import option_rows_of
from tools.outlook import Outlook
from tools.toolbox import Toolbox

BINS = 10
MOST_CASES = 60
"""Needs back-tested, those of the most valuable proposals first."""
OBSERVATIONS = 6_000
ROUNDS_AT_ONCE = 5
LEVELS = SURENESS[:5]
"""Confidences of the net benefit that are weighed against each other."""

Progress = Callable[[str, int, int], None]


class CalibrationBin(Record):
    """Choices stated within a range of confidence."""

    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    """Not part of the range, but for the last."""
    observations: int = Field(ge=0)
    stated: float = Field(ge=0, le=1)
    """Mean confidence stated."""
    observed: float = Field(ge=0, le=1)
    """Share that stayed best."""

    @property
    def error(self) -> float:
        """Standard error of the observed share."""
        return math.sqrt(self.observed * (1.0 - self.observed) / self.observations) if self.observations else 1.0


class WorthLevel(Record):
    """Moves whose net benefit reached the least one with some confidence, and how many were worth it."""

    confidence: float = Field(ge=0, le=1)
    moves: int = Field(ge=0)
    """Choices to act, whether they reached it or not."""
    reached: int = Field(ge=0)
    positive: int = Field(ge=0)
    """Of those that reached it, worth more than nothing in the true world."""
    worth: float = 0.0
    """What those that reached it were worth in the true world, currency."""

    @property
    def positive_share(self) -> float:
        """Share of those that reached it that were worth more than nothing; zero where none did."""
        return self.positive / self.reached if self.reached else 0.0


class CalibrationTable(Record):
    """Stated against observed confidence, with what it was measured on."""

    measured_at: Utc
    plan_run_id: str
    seed: int
    cases: int
    rounds: int
    draws: int
    bins: tuple[CalibrationBin, ...]
    levels: tuple[WorthLevel, ...] = ()
    """What each confidence of the net benefit lets through; not in tables measured before it was."""

    def at_least(self, threshold: float) -> CalibrationBin:
        """All choices stated at a threshold or above, from the bin it lies in."""
        return pooled([part for part in self.bins if part.high > threshold or part.high == 1.0], threshold)

    def bin_of(self, threshold: float) -> CalibrationBin | None:
        """The bin a threshold lies in; ``None`` where no choice was stated."""
        return next((part for part in self.bins if part.low <= threshold < part.high), None)


def pooled(bins: list[CalibrationBin], low: float) -> CalibrationBin:
    """Some bins as one."""
    many = sum(part.observations for part in bins)
    share = [sum(getattr(part, name) * part.observations for part in bins) for name in ("stated", "observed")]
    stated, observed = ((value / many if many else 0.0) for value in share)
    return CalibrationBin(
        low=low, high=1.0, observations=many, stated=min(round(stated, 4), 1.0), observed=min(round(observed, 4), 1.0)
    )


def calibrate(
    toolbox: Toolbox,
    connection: Connection,
    *,
    observations: int = OBSERVATIONS,
    draws: int | None = None,
    progress: Progress | None = None,
) -> CalibrationTable:
    """The table for the options of the newest plan run.

    Parameters
    ----------
    observations
        Choices to look at, rounded up to whole rounds over all cases.
    draws
        Draws around each estimate; as the plan's policy says when omitted.

    Raises
    ------
    ToolInputError
        If there is no plan with a case that needs units.
    """
    outlook, needs, proposal = _newest_plan(toolbox, connection)
    run = toolbox.plan_run(connection, proposal.content.plan_run_id)
    thresholds = toolbox.thresholds(connection, run.threshold_version)
    count = draws or int(thresholds.value("planning", "confidence_draws"))
    rows = option_rows_of(outlook, [need.row for need in needs], [need.offers for need in needs])
    case = np.repeat(np.arange(len(needs)), [len(need.offers) for need in needs])
    may = np.array([offer.feasible and offer.executable for need in needs for offer in need.offers])
    may[np.concatenate([[0], np.cumsum([len(need.offers) for need in needs])])[:-1]] = True
    used = np.flatnonzero(may)
    rounds = -(-observations // len(needs))
    generator = np.random.Generator(np.random.Philox(key=toolbox.seed))
    least = float(run.parameters["minimum_net_benefit"])
    found: list[KeptChoices] = []
    for first in range(0, rounds, ROUNDS_AT_ONCE):
        found.append(
            confidence_back_test(
                rows.alone(used),
                case[used],
                rounds=min(ROUNDS_AT_ONCE, rounds - first),
                draws=count,
                generator=generator,
                minimum=least,
            )
        )
        if progress is not None:
            progress("back-test confidence", min(first + ROUNDS_AT_ONCE, rounds), rounds)
    return CalibrationTable(
        measured_at=toolbox.now(),
        plan_run_id=run.plan_run_id,
        seed=toolbox.seed,
        cases=len(needs),
        rounds=rounds,
        draws=count,
        bins=binned(*(np.concatenate([getattr(part, name).ravel() for part in found]) for name in ("stated", "kept"))),
        levels=worth_levels(found, least),
    )


def binned(stated: np.typing.NDArray[np.float64], kept: np.typing.NDArray[np.bool_]) -> tuple[CalibrationBin, ...]:
    """Choices by stated confidence, in tenths; empty bins are left out."""
    place = np.minimum((stated * BINS + 1e-9).astype(np.int64), BINS - 1)
    return tuple(
        CalibrationBin(
            low=round(number / BINS, 6),
            high=round((number + 1) / BINS, 6),
            observations=int(here.sum()),
            stated=round(float(stated[here].mean()), 4),
            observed=round(float(kept[here].mean()), 4),
        )
        for number in range(BINS)
        if (here := place == number).any()
    )


def worth_levels(found: Sequence[KeptChoices], least: float) -> tuple[WorthLevel, ...]:
    """What each confidence from `LEVELS` up lets through of the choices to act.

    Parameters
    ----------
    least
        Least net benefit, currency.
    """
    acts, worth = (np.concatenate([getattr(part, name).ravel() for part in found]) for name in ("acts", "worth"))
    levels = []
    for level in LEVELS:
        low = np.concatenate([part.low[SURENESS.index(level)].ravel() for part in found])
        reached = acts & (low >= least)
        levels.append(
            WorthLevel(
                confidence=level,
                moves=int(acts.sum()),
                reached=int(reached.sum()),
                positive=int((reached & (worth > 0.0)).sum()),
                worth=round(float(worth[reached].sum()), 2),
            )
        )
    return tuple(levels)


def _newest_plan(toolbox: Toolbox, connection: Connection) -> tuple[Outlook, list[DescribedNeed], Proposal]:
    """Needs of the proposals of one plan run: the newest that has any."""
    proposals = list_proposals(connection, EVERYTHING)
    newest = sorted(proposals, key=lambda p: (p.created_at, p.content.plan_run_id), reverse=True)
    for run_id in dict.fromkeys(proposal.content.plan_run_id for proposal in newest):
        mine = sorted(
            (proposal for proposal in newest if proposal.content.plan_run_id == run_id),
            key=lambda p: (-p.content.value_minor, p.proposal_id),
        )
        needs: list[DescribedNeed] = []
        for proposal in mine:
            case = find_case(connection, EVERYTHING, proposal.content.case_id).case
            if case.kind not in SURPLUS and len(needs) < MOST_CASES:
                needs += described_needs(toolbox, connection, case, proposal)
        if needs:
            run = toolbox.plan_run(connection, run_id)
            return plan_outlook(toolbox, connection, run), needs[:MOST_CASES], mine[0]
    raise ToolInputError("no plan with a case that needs units yet: evenkeel sweep, then calibrate")
