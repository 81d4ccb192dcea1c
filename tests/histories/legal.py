"""Whether some legal order of the state machine explains what clients were told about one proposal version.

The arrows are those of the state machine in the design, written down here once more so that the checker does not
believe the code it checks. An operation is a few steps, each at one moment between its call and its answer; the search
tries every order that respects real time, remembering where it has been.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.histories.history import Operation, Outcome

UNBORN = ""
ARROWS: dict[str, frozenset[str]] = {
    UNBORN: frozenset({"draft"}),
    "draft": frozenset({"pending", "void", "superseded", "approved"}),
    "pending": frozenset({"approved", "rejected", "expired", "snoozed", "void", "superseded", "pending"}),
    "snoozed": frozenset({"pending", "void"}),
    "approved": frozenset({"leased", "recalled", "expired", "void"}),
    "leased": frozenset({"sent", "approved"}),
    "sent": frozenset({"executed", "failed", "in_doubt"}),
    "in_doubt": frozenset({"executed", "failed", "incident"}),
}
STATES = frozenset(ARROWS) | frozenset(after for states in ARROWS.values() for after in states)
Moves = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Step:
    """One moment of an operation: the state it meets and the one it leaves, which for a look are the same."""

    moves: Moves
    optional: bool = False

    @property
    def only_looks(self) -> bool:
        """Nothing is changed by it."""
        return all(before == after for before, after in self.moves)


def _moves(*pairs: str) -> Moves:
    return frozenset((before, after) for before, _, after in (pair.partition(">") for pair in pairs))


def _looks(states: Iterable[str]) -> Step:
    return Step(frozenset((state, state) for state in states))


DECISIONS: dict[str, Moves] = {
    "approve": _moves("pending>approved", "pending>pending", "pending>void"),
    "reject": _moves("pending>rejected", "approved>recalled"),
    "edit": _moves("pending>superseded"),
    "snooze": _moves("pending>snoozed"),
    "escalate": _moves("pending>pending"),
    "expire": _moves("pending>expired", "snoozed>void"),
}
"""What a decision that counts does, in one step."""
SENDING = (
    _moves("approved>leased", "approved>void"),
    _moves("leased>sent"),
    _moves("sent>executed", "sent>failed", "sent>in_doubt"),
)
"""Steps of an execution; any of them may have been taken by another executor."""
FINDING_OUT = (
    _moves("leased>approved", "sent>executed", "sent>failed", "sent>in_doubt", "in_doubt>executed", "in_doubt>failed"),
    _moves("approved>void"),
)
BIRTH = (_moves(">draft"), _moves("draft>pending", "draft>approved", "draft>void"))


def steps_of(operation: Operation) -> tuple[Step, ...]:
    """What an operation with this answer did, step by step."""
    verb, outcome, result = operation.verb, operation.outcome, operation.result
    if verb in DECISIONS:
        moves = DECISIONS[verb]
        if outcome is Outcome.OK:
            return (Step(frozenset(move for move in moves if move[1] == result)),)
        if outcome is Outcome.LOST:
            return (_looks(STATES - {"pending"}),)
        return (Step(moves, optional=True),) if outcome is Outcome.UNKNOWN else ()
    if verb == "born":
        return tuple(Step(moves, optional=outcome is not Outcome.OK) for moves in BIRTH)
    if verb in ("execute", "reconcile"):
        steps = tuple(Step(moves, optional=True) for moves in (SENDING if verb == "execute" else FINDING_OUT))
        return (*steps, _looks({result})) if outcome is Outcome.OK and result else steps
    if verb == "read":
        return (_looks({result}),) if outcome is Outcome.OK else ()
    raise ValueError(f"no operation is called {verb!r}")


def explained(operations: Sequence[Operation], began: str = UNBORN, ended: str | None = None) -> bool:
    """Whether the operations on one version have a legal order.

    Parameters
    ----------
    began
        The version's state before the first of them.
    ended
        The state it must be in after the last; ``None`` if that is not known.
    """
    ordered = sorted(operations, key=lambda operation: (operation.invoked, operation.token))
    steps = [steps_of(operation) for operation in ordered]
    called = [operation.invoked for operation in ordered]
    answered = [math.inf if op.outcome is Outcome.UNKNOWN else op.returned for op in ordered]
    seen: set[tuple[tuple[int, ...], str]] = set()
    waiting = [(_looked(tuple(0 for _ in ordered), began, steps, called, answered), began)]
    while waiting:
        progress, state = waiting.pop()
        if (progress, state) in seen:
            continue
        seen.add((progress, state))
        if _over(progress, steps) and ended in (None, state):
            return True
        for number in _ready(progress, steps, called, answered):
            step = steps[number][progress[number]]
            further = (*progress[:number], progress[number] + 1, *progress[number + 1 :])
            following = [after for before, after in step.moves if before == state]
            if step.optional:
                following.append(state)
            waiting += [(_looked(further, after, steps, called, answered), after) for after in following]
    return False


def _over(progress: tuple[int, ...], steps: Sequence[tuple[Step, ...]]) -> bool:
    """Whether nothing is left that must have happened."""
    return all(step.optional for done, mine in zip(progress, steps, strict=True) for step in mine[done:])


def _ready(
    progress: tuple[int, ...], steps: Sequence[tuple[Step, ...]], called: Sequence[int], answered: Sequence[float]
) -> list[int]:
    """Operations whose next step may come now: none that is unfinished was answered before they were called."""
    unfinished = [number for number, done in enumerate(progress) if done < len(steps[number])]
    first = min((answered[number] for number in unfinished), default=math.inf)
    return [number for number in unfinished if called[number] <= first]


def _looked(
    progress: tuple[int, ...],
    state: str,
    steps: Sequence[tuple[Step, ...]],
    called: Sequence[int],
    answered: Sequence[float],
) -> tuple[int, ...]:
    """The progress after every look that is possible now: a look changes nothing, so the sooner the better."""
    while True:
        for number in _ready(progress, steps, called, answered):
            step = steps[number][progress[number]]
            if not step.optional and step.only_looks and (state, state) in step.moves:
                progress = (*progress[:number], progress[number] + 1, *progress[number + 1 :])
                break
        else:
            return progress
