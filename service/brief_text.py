"""The brief as sections of plain words and tables, and those as text for a terminal or as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agent.brief import Brief
from agent.policy_levels import MoveLevels
from inventory.segment_words import segment_words
from service.case_tables import ID_SHOWN, KIND_WORDS, counts_line, short_day, short_moment
from service.console import inert
from tools.plain_words import count, day, exact_money, money
from tools.thrash import Nervousness


@dataclass(frozen=True)
class Section:
    """A heading, sentences under it, and a table that may be empty."""

    title: str
    sentences: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    """A name that begins with ``#`` is a column of numbers."""
    rows: tuple[tuple[str, ...], ...] = ()


def headline(brief: Brief) -> str:
    """``18 open, 6 new, 9 closed; 214,000 EUR at risk; 3 need you before Mon 11:00 UTC.``"""
    words = (
        f"{brief.open_cases} open, {brief.new_cases} new, {brief.closed_cases} closed; "
        f"{money(brief.money_at_risk_minor, brief.currency)} at risk; "
    )
    if brief.first_deadline is None:
        return f"{words}nothing waits for a decision."
    verb = "needs" if brief.needs_decision == 1 else "need"
    return f"{words}{brief.needs_decision} {verb} a decision, the first before {moment(brief.first_deadline)}."


def risk_words(brief: Brief) -> str:
    """``stockout 12,000 EUR (14 cases), late supply 3,100 EUR (1 case)``."""
    return ", ".join(
        f"{KIND_WORDS[share.kind]} {money(share.money_at_risk_minor, brief.currency)} ({count(share.cases, 'case')})"
        for share in brief.risk_by_kind
        if share.money_at_risk_minor
    )


def moment(value: datetime) -> str:
    """``Mon 8 Apr 11:00 UTC``."""
    return f"{value:%a} {value.day} {value:%b %H:%M} UTC"


def sections(brief: Brief) -> tuple[Section, ...]:
    """Everything the brief says, in order; a section with nothing to say says so."""
    return (
        _headline(brief),
        _top(brief),
        _waiting(brief),
        _questions(brief),
        _automatic(brief),
        _suppliers(brief),
        _segments(brief),
        _health(brief),
        _overrides(brief),
        _kpis(brief),
        _held_back(brief),
    )


def brief_text(brief: Brief) -> str:
    """The brief as plain text."""
    return "\n\n".join("\n".join(_text_lines(section)) for section in sections(brief)) + "\n"


def brief_markdown(brief: Brief) -> str:
    """The brief as Markdown; what came from feeds and people cannot become markup."""
    first, *rest = sections(brief)
    parts = [f"# {_escaped(first.title)}", *(_escaped(sentence) for sentence in first.sentences)]
    for section in rest:
        parts.append(f"## {_escaped(section.title)}")
        parts += [_escaped(sentence) for sentence in section.sentences]
        if section.rows:
            parts.append("\n".join(_markdown_table(section)))
    return "\n\n".join(parts) + "\n"


def _headline(brief: Brief) -> Section:
    said = [headline(brief)]
    if brief.money_at_risk_minor:
        said.append(f"At risk by kind: {risk_words(brief)}.")
    if brief.counts:
        said.append(counts_line(brief.counts))
    if brief.data_as_of:
        age = (brief.at - brief.data_as_of) / timedelta(hours=1)
        said.append(f"Data as of {moment(brief.data_as_of)}, {age:.0f} h old.")
    else:
        said.append("No data has been imported yet.")
    if brief.kill_switch:
        said.append("The kill switch is on: nothing is executed.")
    said += [f"Alarm: {alarm}." for alarm in brief.alarms]
    return Section(f"Evenkeel brief for {brief.reader}, {day(brief.at.date())} {brief.at:%H:%M} UTC", tuple(said))


def _table(title: str, columns: tuple[str, ...], rows: Iterator[tuple[str, ...]], nothing: str) -> Section:
    found = tuple(rows)
    return Section(title, () if found else (nothing,), columns if found else (), found)


def _top(brief: Brief) -> Section:
    columns = ("case", "kind", "about", "bites", "#at risk", "action", "tier", "decide by (UTC)", "who must act")
    rows = (
        (
            case.case_id[:ID_SHOWN],
            KIND_WORDS[case.kind],
            case.where,
            short_day(case.bites_on),
            money(case.money_at_risk_minor, brief.currency),
            case.action or "–",
            case.tier.value if case.tier else "–",
            short_moment(case.decide_by) if case.decide_by else case.state,
            case.owner or "–",
        )
        for case in brief.top
    )
    return _table("Most money at risk", columns, rows, "No open case.")


def _waiting(brief: Brief) -> Section:
    columns = ("tier", "#proposals", "#value", "#oldest", "next expires", "waits for")
    rows = (
        (
            waiting.tier.value,
            str(waiting.proposals),
            money(waiting.value_minor, brief.currency),
            f"{waiting.oldest_hours:.0f} h",
            moment(waiting.next_expiry),
            "; ".join(waiting.who) or "–",
        )
        for waiting in brief.waiting
    )
    return _table("Waiting for approval", columns, rows, "Nothing waits.")


def _questions(brief: Brief) -> Section:
    columns = ("question", "proposal", "asked by", "of", "#open", "words")
    rows = (
        (asked.question_id, asked.proposal_id, asked.asked_by, asked.asked_of, f"{asked.hours:.0f} h", asked.text)
        for asked in brief.questions
    )
    return _table("Open questions", columns, rows, "Nobody waits for an answer.")


def _automatic(brief: Brief) -> Section:
    columns = ("proposal", "case", "action", "#value", "state", "recall until")
    rows = (
        (
            done.proposal_id,
            done.case_id,
            done.action,
            money(done.value_minor, brief.currency),
            done.state.value.replace("_", " "),
            moment(done.recall_until) if done.recall_until else "passed",
        )
        for done in brief.automatic
    )
    found = _table("Done automatically in the last 24 hours", columns, rows, "Nothing moved by itself.")
    said = [*found.sentences, *_levels(brief.levels)]
    if brief.automatic_holds:
        said.append(
            f"Left as they are, because acting costs more than it saves: {count(brief.automatic_holds, 'case')}."
        )
    return replace(found, sentences=tuple(said))


def _levels(found: MoveLevels) -> tuple[str, ...]:
    """How many moves ran by themselves, and how many would have at other confidences; nothing where none was ruled."""
    if not found.moves:
        return ()
    moves = count(found.moves, "move")
    others = ", ".join(
        f"{level.automatic:,} ({level.held:,} held by it) at {level.confidence:.0%}" for level in found.levels
    )
    said = (
        f"Automatic in 28 days: {found.automatic:,} of {moves} ({found.automatic_share:.0%}). By the confidence "
        f"asked of the net benefit (now {found.confidence:.0%}) it would be {others}."
    )
    measured = [level for level in found.levels if level.reached]
    if not measured:
        return (said,)
    worth = ", ".join(f"{level.positive_share or 0.0:.1%} at {level.confidence:.0%}" for level in measured)
    return said, f"On the back-test, of the moves that reach it this share was worth more than nothing: {worth}."


def _suppliers(brief: Brief) -> Section:
    columns = ("supplier", "case", "#lines", "#at risk", "evidence")
    rows = (
        (watch.supplier, watch.case_id, str(watch.lines), money(watch.money_at_risk_minor, brief.currency), watch.note)
        for watch in brief.suppliers
    )
    return _table("Supplier watch", columns, rows, "No supplier is later than usual.")


def _segments(brief: Brief) -> Section:
    columns = ("item", "site", "was", "is", "#demand a year")
    rows = (
        (
            change.item,
            change.site,
            segment_words(change.before),
            segment_words(change.after),
            money(change.value_minor, brief.currency),
        )
        for change in brief.segment_changes
    )
    found = _table("Changes of segment", columns, rows, "Every item-site is in the segment it was in.")
    left = brief.segments_changed - len(brief.segment_changes)
    return replace(found, sentences=(f"The most valuable; {left:,} more changed.",)) if left > 0 else found


def _health(brief: Brief) -> Section:
    columns = ("site", "#health", "autonomy", "data problems")
    rows = (
        (site.site, f"{site.score:.0%}", site.autonomy, "; ".join(site.problems) or "score below 100%")
        for site in brief.sites
    )
    return _table("Data health", columns, rows, "Every feed of every site is sound.")


def _overrides(brief: Brief) -> Section:
    judged = f"Outcomes: {brief.judged_outcomes} observed, {brief.open_outcomes} still open."
    rows = tuple(
        (made.proposal_id, made.by, made.decision, made.reason.value, made.text or "–") for made in brief.overrides
    )
    if not rows:
        return Section("Overrides in the last 24 hours", ("Nobody decided otherwise.", judged))
    return Section("Overrides in the last 24 hours", (judged,), ("proposal", "by", "decision", "reason", "words"), rows)


def _kpis(brief: Brief) -> Section:
    rows = (
        (
            figure.name.replace("_", " "),
            figure.site or "all",
            _figure(figure.name, figure.value),
            "–" if figure.before is None else _figure(figure.name, figure.value - figure.before, sign="+"),
        )
        for figure in brief.kpis
    )
    found = _table("Figures", ("figure", "site", "#now", "#change"), rows, "No sweep has recorded figures yet.")
    return replace(found, sentences=(*found.sentences, *_nervousness(brief.nervousness)))


def _nervousness(found: Nervousness) -> tuple[str, ...]:
    """How steady plans were; nothing where nothing was planned."""
    said = []
    if found.moves:
        moves = count(found.moves, "move")
        said.append(
            f"Taken back within 14 days: {found.reversals:,} of {moves} in 28 days ({found.reversal_share:.1%})."
        )
    if found.proposals:
        plans = count(found.proposals, "proposal")
        rate = f"{found.changes_per_plan_day:.2f} changes per plan and day"
        said.append(f"Planned anew before anybody decided: {found.replaced:,} of {plans} in 14 days ({rate}).")
    return tuple(said)


def _figure(name: str, value: float, sign: str = "") -> str:
    """A share as percent, a large number whole, a small one with two decimals."""
    if "rate" in name or "share" in name:
        return f"{value:{sign}.1%}"
    return f"{value:{sign},.0f}" if abs(value) >= 100 or value == int(value) else f"{value:{sign},.2f}"


def _held_back(brief: Brief) -> Section:
    rows = (
        (
            held.reason,
            str(len(held.cases)),
            exact_money(held.money_at_risk_minor, brief.currency),
            " ".join(held.cases[:3]) + (" …" if len(held.cases) > 3 else ""),
        )
        for held in brief.held_back
    )
    return _table("Held back", ("reason", "#cases", "#at risk", "cases"), rows, "Nothing is held back.")


def _text_lines(section: Section) -> Iterator[str]:
    yield inert(section.title)
    yield "-" * len(section.title)
    yield from (inert(sentence) for sentence in section.sentences)
    if not section.rows:
        return
    grid = [tuple(column.removeprefix("#") for column in section.columns), *section.rows]
    cells = [[" ".join(inert(cell).split()) for cell in row] for row in grid]
    widths = [max(len(row[place]) for row in cells) for place in range(len(section.columns))]
    for row in cells:
        padded = (
            cell.rjust(width) if column.startswith("#") else cell.ljust(width)
            for cell, width, column in zip(row, widths, section.columns, strict=True)
        )
        yield "  ".join(padded).rstrip()


def _markdown_table(section: Section) -> Iterator[str]:
    yield f"| {' | '.join(column.removeprefix('#') for column in section.columns)} |"
    yield f"| {' | '.join('---:' if column.startswith('#') else '---' for column in section.columns)} |"
    for row in section.rows:
        yield f"| {' | '.join(_escaped(cell) for cell in row)} |"


def _escaped(text: str) -> str:
    """One line in which no character means anything to Markdown or HTML."""
    line = " ".join(inert(text).split())
    return "".join(f"\\{character}" if character in "\\`*_{}[]<>()#+!|~&$" else character for character in line)
