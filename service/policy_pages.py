"""Policies on paper: values with their layers, differences, simulations, answers of the gate, and calibration."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.policy_calibration import verdict
from agent.policy_kinds import Change
from agent.policy_levels import MoveLevels
from agent.policy_question import Answer
from agent.policy_replay import Simulation
from agent.policy_values import ShownValue
from inventory.policy_drafts import PolicyDraft
from tools.calibration import CalibrationTable
from tools.plain_words import exact_money

MOST_CHANGED = 40
"""Changed decisions printed; all are in the JSON."""


def values_page(title: str, values: Iterable[ShownValue]) -> RenderableType:
    """Every effective value and its layer."""
    table = _table("key", "value", "from", "")
    for shown in values:
        table.add_row(shown.key, shown.value, shown.layer, shown.note)
    return Group(Text(title), table)


def changes_page(changes: Iterable[Change]) -> RenderableType:
    """What differs between two documents."""
    table = _table("key", "before", "after", "")
    for change in changes:
        table.add_row(change.key, change.before or "–", change.after or "–", change.effect)
    return table if table.row_count else Text("no difference")


def drafts_page(drafts: Iterable[PolicyDraft]) -> RenderableType:
    """Drafts and where they stand."""
    table = _table("draft", "state", "based on", "digest", "by", "second person", "reason")
    for draft in drafts:
        table.add_row(
            draft.draft_id, draft.state, f"v{draft.based_on}", draft.digest[:12], draft.author, draft.settled_by or "–",
            draft.reason,
        )  # fmt: skip
    return table if table.row_count else Text("no drafts")


def simulation_page(found: Simulation, currency: str) -> RenderableType:
    """What past decisions would have been."""
    counts = _table("before", "after", "decisions", "value", right=("decisions", "value"))
    for shift in found.shifts:
        mark = "" if shift.before is shift.after else " ←"
        counts.add_row(
            shift.before.value, f"{shift.after.value}{mark}", f"{shift.decisions:,}",
            exact_money(shift.value_minor, currency),
        )  # fmt: skip
    parts: list[RenderableType] = [
        Text(
            f"{found.replayed:,} past decisions replayed; {len(found.changed):,} would change, "
            f"{exact_money(found.value_changed_minor, currency)} in all"
        ),
        counts,
    ]
    if found.levels is not None:
        parts.append(levels_page(found.levels))
    if found.without_facts:
        parts.append(Text(f"{found.without_facts:,} rulings kept no fact sheet and were left out"))
    if found.not_reproduced:
        parts.append(Text(f"do not come out as recorded under their own version: {', '.join(found.not_reproduced)}"))
    if found.changed:
        table = _table("decision", "what", "value", "before", "after", "why", right=("value",))
        for one in found.changed[:MOST_CHANGED]:
            table.add_row(
                one.subject, one.what, exact_money(one.value_minor, currency), one.before.value, one.after.value,
                one.why,
            )  # fmt: skip
        parts.append(table)
        if len(found.changed) > MOST_CHANGED:
            parts.append(Text(f"and {len(found.changed) - MOST_CHANGED:,} more: --json lists all"))
    return Group(*parts)


def answer_page(answer: Answer) -> RenderableType:
    """The tier, and every rule that asked for one."""
    signers = [*answer.needs_roles, *(" or ".join(group) for group in answer.one_of_roles)]
    needed = f"; among the signers: {', '.join(signers)}" if signers else ""
    two = "; two people must sign" if answer.two_people else ""
    table = _table("rule", "asks for", "because")
    for rule in sorted(answer.fired, key=lambda rule: -rule.tier.strictness):
        table.add_row(rule.rule, rule.tier.value, rule.reason)
    parts: list[RenderableType] = [
        Text(f"{answer.tier.value}{two}{needed} (approval policy v{answer.policy_version})"),
        table,
    ]
    parts += [Text(f"may ask for more: {words}") for words in answer.may_fire]
    parts += [Text(f"{layer} sets {key}") for key, layer in sorted(answer.layers.items())]
    if answer.from_store:
        parts.append(Text("looked up: " + ", ".join(f"{name} {value}" for name, value in answer.from_store.items())))
    if answer.assumed:
        parts.append(Text("assumed: " + ", ".join(f"{name} {value}" for name, value in answer.assumed.items())))
    return Group(*parts)


def levels_page(found: MoveLevels) -> RenderableType:
    """How many moves each confidence of the net benefit lets run by itself, and what the back-test says of them."""
    counts = ("automatic", "share", "held by it", "reached in back-test", "worth more than nothing")
    table = _table("net benefit confidence", *counts, right=counts)
    for level in found.levels:
        share = f"{level.automatic / found.moves:.0%}" if found.moves else "–"
        table.add_row(
            f"{level.confidence:.1f}{' ←' if level.confidence == found.confidence else ''}",
            f"{level.automatic:,}", share, f"{level.held:,}",
            "–" if level.reached is None else f"{level.reached:,}",
            "–" if not level.reached else f"{level.positive_share or 0.0:.1%}",
        )  # fmt: skip
    said = f"{found.automatic:,} of {found.moves:,} moves ruled on were automatic ({found.automatic_share:.0%})"
    return Group(Text(said), table)


def calibration_page(table: CalibrationTable | None) -> RenderableType:
    """Stated against observed confidence."""
    if table is None:
        return Text("confidence was not measured yet: evenkeel policy calibrate")
    page = _table("stated from", "to", "choices", "stated", "stayed best", "± 1 s.e.", "", right=("choices",))
    for part in table.bins:
        page.add_row(
            f"{part.low:.1f}", f"{part.high:.1f}", f"{part.observations:,}", f"{part.stated:.1%}",
            f"{part.observed:.1%}", f"{part.error:.1%}", verdict(part),
        )  # fmt: skip
    said = (
        f"confidence measured {table.measured_at:%Y-%m-%d %H:%M} UTC on {table.cases} needs of {table.plan_run_id}, "
        f"{table.rounds} worlds each, {table.draws} draws, seed {table.seed}"
    )
    return Group(Text(said), page)


def _table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table
