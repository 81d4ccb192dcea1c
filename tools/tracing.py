"""Steps as they are taken: noted with what went in and came out, and put on record with the facts they led to.

A step is begun, may have others within it, and is kept in the transaction that keeps its facts, so that neither is
there without the other. Whoever runs a tool, searches the rules or asks a model notes it in the step at hand; where no
step is at hand (a command that only reads), nothing is on record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from inventory.database import Transaction
from inventory.record import Record, digest, digest_text
from inventory.redaction import redacted
from inventory.trace import OPERATION, Span, insert_spans, span_id_of

if TYPE_CHECKING:
    from inventory.records import Citation
    from tools.toolbox import Toolbox

HOUSE = "desk"
"""Role of steps that keep the house."""
_at_hand: ContextVar[Step | None] = ContextVar("step_at_hand", default=None)


@dataclass
class Step:
    """A step that is being taken."""

    name: str
    role: str
    toolbox: Toolbox = field(repr=False)
    started_at: datetime
    began: datetime
    inputs: str = ""
    """Digest of what went in; of the words ``prompt`` where none is given."""
    outputs: str = ""
    """Digest of what came out; of the words ``answer`` where none is given."""
    attributes: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    """Taken within it, in order."""
    seconds: float | None = None

    @property
    def operation(self) -> str:
        """What sort of step it is: the first word of its name."""
        return self.name.split(" ")[0]

    @contextmanager
    def within(self, name: str, role: str = "", **attributes: str) -> Iterator[Step]:
        """Take another step within this one."""
        step = begin(self.toolbox, name, role or self.role, **attributes)
        self.steps.append(step)
        with step.at_hand():
            yield step

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """Let what is done meanwhile be noted in this step; an error that ends it is named."""
        token = _at_hand.set(self)
        try:
            yield
        except Exception as error:
            self.failed(error)
            raise
        finally:
            self.end()
            _at_hand.reset(token)

    def failed(self, error: BaseException) -> None:
        """Name the error that ended the step; its words may hold anything and are left out."""
        self.attributes["error.type"] = type(error).__name__

    def end(self) -> None:
        """Note how long it took; the first end counts."""
        if self.seconds is None:
            self.seconds = max((self.toolbox.machine() - self.began).total_seconds(), 0.0)


@dataclass(frozen=True)
class Place:
    """Where a step hangs: the tree, and the steps above it that are there once."""

    trace_id: str
    above: tuple[tuple[str, str], ...] = ()
    """Name of each step above, the root in front, and the id of what it stands for."""
    who: str = "evenkeel"
    owner: str = ""
    sites: tuple[str, ...] = ()
    case_id: str = ""
    proposal_id: str = ""
    conversation_id: str = ""


def begin(toolbox: Toolbox, name: str, role: str, **attributes: str) -> Step:
    """Begin a step."""
    step = Step(name, role, toolbox, toolbox.now(), toolbox.machine())
    step.attributes.update(attributes)
    if step.operation == "execute_tool":
        step.attributes |= {"evenkeel.version": code_version(), "evenkeel.seed": str(toolbox.seed)}
    return step


@contextmanager
def taking(toolbox: Toolbox, name: str, role: str, **attributes: str) -> Iterator[Step]:
    """Take a step that its node keeps."""
    step = begin(toolbox, name, role, **attributes)
    with step.at_hand():
        yield step


def at_hand_or(step: Step) -> Step:
    """The step at hand, or this one."""
    return _at_hand.get() or step


@contextmanager
def noted(name: str, role: str) -> Iterator[Step | None]:
    """A step within the one at hand, or that one itself where it is of the same operation; none where none is."""
    above = _at_hand.get()
    if above is None or above.operation == name.split(" ")[0]:
        yield above
    else:
        with above.within(name, role) as step:
            yield step


@contextmanager
def trace_tool(toolbox: Toolbox, name: str, arguments: Record) -> Iterator[Callable[[Record], None]]:
    """Note a run of a tool; hand what it found to the function that is yielded."""
    above = _at_hand.get()
    step = begin(toolbox, f"execute_tool {name}", above.role if above else HOUSE)
    step.attributes["gen_ai.tool.name"] = name
    step.inputs = digest(arguments)
    if above is not None:
        above.steps.append(step)

    def gave(answer: Record) -> None:
        step.outputs = digest(answer)

    with step.at_hand():
        yield gave


def trace_retrieval(query: str, found: Iterable[Citation], corpus: str) -> None:
    """Note a search in the written rules: the question, and of every passage found document, version and hash."""
    with noted("retrieval rules", "audit") as step:
        if step is None:
            return
        step.words["prompt"] = query
        step.attributes["gen_ai.data_source.id"] = corpus
        cite(step, found)


def cite(step: Step, found: Iterable[Citation]) -> None:
    """Note which passages a step found."""
    told = [
        {"id": one.passage_id, "document": one.document_id, "version": one.version, "hash": digest_text(one.text)}
        for one in found
    ]
    step.attributes["gen_ai.retrieval.documents"] = json.dumps(told, separators=(",", ":"))
    step.outputs = digest_text(step.attributes["gen_ai.retrieval.documents"])


def keep(transaction: Transaction, taken: Iterable[tuple[Step, Place]]) -> None:
    """Put steps, and all within them, on record; secrets are taken out first."""
    spans: list[Span] = []
    words: dict[str, dict[str, str]] = {}
    for step, place in taken:
        parent = ""
        for name, key in place.above:
            spans.append(_once(step, place, parent, name, key))
            parent = spans[-1].span_id
        _flatten(step, place, parent, len(spans), spans, words)
    insert_spans(transaction, spans, words)


def _once(step: Step, place: Place, parent: str, name: str, key: str) -> Span:
    """A step above others, holding nothing itself: known by what it stands for, so that it is there once."""
    return Span(
        span_id=span_id_of(place.trace_id, name, key), trace_id=place.trace_id, parent_id=parent, name=name, role=HOUSE,
        owner=place.owner, case_id=place.case_id, conversation_id=place.conversation_id,
        proposal_id=key if key == place.proposal_id else "", attributes={OPERATION: name.split(" ")[0]},
        started_at=step.started_at,
    )  # fmt: skip


def _flatten(
    step: Step, place: Place, parent: str, number: int, spans: list[Span], words: dict[str, dict[str, str]]
) -> None:
    step.end()
    known = step.toolbox.secrets
    said = {part: redacted(text, known) for part, text in step.words.items() if text}
    span_id = span_id_of(place.trace_id, parent, step.name, step.began.isoformat(), step.inputs, str(number))
    spans.append(
        Span(
            span_id=span_id, trace_id=place.trace_id, parent_id=parent, name=step.name, role=step.role, who=place.who,
            owner=place.owner, sites=place.sites, case_id=place.case_id, proposal_id=place.proposal_id,
            conversation_id=place.conversation_id,
            inputs=step.inputs or _digest_of(said, "prompt"),
            outputs=step.outputs or _digest_of(said, "answer"),
            attributes={OPERATION: step.operation}
            | {name: redacted(value, known) for name, value in step.attributes.items()},
            started_at=step.started_at, seconds=round(step.seconds or 0.0, 6),
        )
    )  # fmt: skip
    if said:
        words[span_id] = said
    for place_within, inner in enumerate(step.steps):
        _flatten(inner, place, span_id, place_within, spans, words)


def _digest_of(said: dict[str, str], part: str) -> str:
    return digest_text(said[part]) if part in said else ""


@cache
def code_version() -> str:
    """Version of the code that is running."""
    return version("evenkeel")
