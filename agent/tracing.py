"""Puts the steps of both graphs on record, each under the role it plays (see ``docs/agents.md``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from inventory.chronicle import Span, insert_spans
from inventory.record import short_id
from tools.toolbox import Toolbox


@dataclass(frozen=True)
class Step:
    """What one step of a sweep did for one case."""

    case_id: str
    inputs: str
    outputs: str
    proposal_id: str = ""


def traced(
    toolbox: Toolbox, state: Mapping[str, object], name: str, role: str, started: datetime, outputs: str,
    **attributes: str,
) -> None:  # fmt: skip
    """Record one step of a case graph."""
    proposal_id = str(state["proposal_id"])
    step = Step(str(state["case_id"]), proposal_id, outputs, proposal_id)
    traced_cases(toolbox, name, role, started, [step], **attributes)


def traced_cases(
    toolbox: Toolbox, name: str, role: str, started: datetime, steps: Iterable[Step], **attributes: str
) -> None:
    """Record one step for every case it concerned; the same step on the same inputs is recorded once."""
    with toolbox.database.write("evenkeel", toolbox.now()) as transaction:
        spans = [
            Span(
                span_id=short_id("span", step.case_id, step.inputs, name),
                case_id=step.case_id,
                proposal_id=step.proposal_id,
                name=name,
                role=role,
                inputs=step.inputs,
                outputs=step.outputs,
                attributes={"gen_ai.operation.name": name.split(" ")[0], **attributes},
                started_at=started,
                finished_at=toolbox.now(),
            )
            for step in steps
        ]
        insert_spans(transaction, spans)
