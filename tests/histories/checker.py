"""What no run may show: answers no legal order explains, units promised twice, a log that says otherwise.

Source: Wing & Gong (1993), "Testing and Verifying Concurrent Objects"; Kingsbury's Jepsen and Knossos.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.histories.history import History, LogLine, Operation, Outcome
from tests.histories.legal import ARROWS, UNBORN, explained

SIGNED = ("approve", "reject", "edit", "snooze", "escalate")
"""Verbs that leave a signature; an approval that changed nothing but the tier, or voided, leaves none."""
WITH_THE_ERP = frozenset({"leased", "sent", "executed", "failed", "in_doubt", "incident"})


def problems(history: History) -> list[str]:
    """Everything about a run that cannot be, in words; empty when all of it is explained."""
    return [
        *_unexplained(history),
        *_readings_that_differ(history),
        *_promised_twice(history),
        *(_what_the_log_contradicts(history) if history.readings else ()),
    ]


def _what_the_log_contradicts(history: History) -> list[str]:
    return [*_jumps(history), *_signatures(history), *_orders_against_time(history), *_postings(history)]


def _unexplained(history: History) -> Iterator[str]:
    """Versions about which clients were told what no order of the state machine allows."""
    by_subject: dict[str, list[Operation]] = defaultdict(list)
    for operation in history.operations:
        by_subject[operation.subject].append(operation)
    for subject, operations in sorted(by_subject.items()):
        if not explained(operations, history.began.get(subject, UNBORN), history.ended.get(subject)):
            told = ", ".join(f"{op.verb} {op.outcome} {op.result}".strip() for op in operations)
            yield f"{subject}: no legal order explains {told}"


def _readings_that_differ(history: History) -> Iterator[str]:
    """What was in the log once is in it for ever: each reading is the beginning of the next."""
    for number, (earlier, later) in enumerate(zip(history.readings, history.readings[1:], strict=False), start=1):
        if later[: len(earlier)] != earlier:
            yield f"reading {number} of the log is not the beginning of reading {number + 1}"


def _jumps(history: History) -> Iterator[str]:
    """The log's own story of each version is a way along the arrows."""
    state = dict(history.began)
    for line in history.log:
        if line.moved is None:
            continue
        before, after = line.moved
        known = state.get(line.subject, UNBORN)
        if before != known or after not in ARROWS.get(before, ()):
            yield f"{line.subject}: entry {line.sequence} leads from {before} to {after}, not from {known or 'unborn'}"
        state[line.subject] = after
    for subject, ended in sorted(history.ended.items()):
        if state.get(subject, UNBORN) != ended:
            yield f"{subject}: it is {ended}, and the log says {state.get(subject) or 'nothing'}"


def _signatures(history: History) -> Iterator[str]:
    """Who was told yes is in the log once, who was told no is not, and nobody is whom nobody knows."""
    logged = Counter((line.token, line.subject) for line in history.log if line.event == "approval.given")
    known = {(op.token, op.subject) for op in history.operations if op.verb in SIGNED}
    for token, subject in sorted(set(logged) - known):
        yield f"{subject}: the log holds a signature of operation {token}, which nobody made"
    for op in history.operations:
        if op.verb not in SIGNED:
            continue
        times = logged[op.token, op.subject]
        if times > 1:
            yield f"{op.subject}: {op.verb} {op.token} is signed {times} times"
        if times and op.outcome in (Outcome.FAIL, Outcome.LOST):
            yield f"{op.subject}: {op.verb} {op.token} was refused, and the log holds its signature"
        must = op.outcome is Outcome.OK and not (op.verb == "approve" and op.result in ("pending", "void"))
        if must and not times:
            yield f"{op.subject}: {op.verb} {op.token} was taken, and the log does not know it"


def _orders_against_time(history: History) -> Iterator[str]:
    """What was answered before something else was asked for stands before it in the log."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for line in history.log:
        if line.token:
            first.setdefault(line.token, line.sequence)
            last[line.token] = line.sequence
    seen = {op.token: op for op in history.operations if op.token in first}
    answered = sorted((op for op in seen.values() if op.outcome is not Outcome.UNKNOWN), key=lambda op: op.returned)
    newest, place = 0, 0
    for op in sorted(seen.values(), key=lambda op: op.invoked):
        while place < len(answered) and answered[place].returned < op.invoked:
            newest = max(newest, last[answered[place].token])
            place += 1
        if first[op.token] < newest:
            yield f"operation {op.token}, entry {first[op.token]}, was asked for after entry {newest} was answered"


def _promised_twice(history: History) -> Iterator[str]:
    """At no prefix of the log, and in nobody's eyes, is more promised of a line than there is."""
    promised: Counter[tuple[str, str]] = Counter()
    for line in history.log:
        for place, units in line.promised:
            promised[place] += units
            if promised[place] > history.free.get(place, 0):
                yield f"entry {line.sequence} promises {promised[place]} of {history.free.get(place, 0)} at {place}"
    for read in history.ledger_reads:
        if read.promised > read.free:
            yield f"somebody read {read.promised} promised of {read.free} at {read.place}"


def _postings(history: History) -> Iterator[str]:
    """Each document is there once, for a version that was sent; what is executed has a document."""
    for name, values in (
        ("key", [posting.key for posting in history.postings]),
        ("reference", [posting.reference for posting in history.postings]),
    ):
        for value, times in sorted(Counter(values).items()):
            if times > 1:
                yield f"{name} {value} is in the ERP {times} times"
    sent = {line.subject for line in history.log if line.moved and line.moved[1] == "sent"}
    for posting in history.postings:
        if posting.subject not in sent or history.ended.get(posting.subject) not in WITH_THE_ERP:
            yield f"{posting.subject}: the ERP holds {posting.key}, and it was not sent"
    for subject in sorted(_executed(history.log) - {posting.subject for posting in history.postings}):
        yield f"{subject}: it is executed, and the ERP holds nothing"


def _executed(log: tuple[LogLine, ...]) -> set[str]:
    return {line.subject for line in log if line.moved and line.moved[1] == "executed"}
