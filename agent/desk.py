"""The exception desk: the only caller of the graphs, and the one place where people's decisions come in.

Checkpoints are scratch paper. ``recover`` runs first in every sweep and execution, and everything the desk does can be
done from SQL alone when a checkpoint is gone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent.case_graph import DeskContext, case_graph, execute, learn
from agent.checkpoints import Checkpoints, open_checkpoints
from agent.deciding.batch import BatchRow, approve_all
from agent.decisions import Decided, Decision, decide, expire
from agent.drafting import Drafter
from agent.rights_tasks import escalate_overdue
from agent.ruling import Gate
from agent.suggestions import submit_suggestion
from agent.sweep_graph import Progress, SweepContext, sweep_graph
from inventory.audit import entries
from inventory.conflicts import retrying
from inventory.errors import LostRaceError, NotFoundError
from inventory.outbox import list_receipts
from inventory.proposals import find_proposal, list_proposals
from inventory.record import Record
from inventory.records import EVERYTHING, Proposal, ProposalState, Scope, Sweep, User
from tools.actions import Execution, due, reconcile
from tools.capabilities.arguments import PrefillProposal
from tools.engines import collecting_seldom
from tools.errors import KillSwitchError, ToolError
from tools.learning import open_missing_outcomes
from tools.plan import LIVE
from tools.replay import Replay, replay_plan, replay_proposal
from tools.toolbox import Toolbox
from tools.why import Why, explain_why


class Recovery(Record):
    """What was found half-way and put right."""

    expired: tuple[str, ...]
    reconciled: tuple[Execution, ...]
    anchored: int
    orphan_parts: int
    escalated: tuple[str, ...] = ()
    """Proposals nobody answered in time, now another role's task."""


def _silent(step: str, done: int, of: int) -> None:
    """Progress nobody watches."""


class ExceptionDesk:
    """Runs sweeps, takes decisions, executes what was approved, and answers for it.

    Parameters
    ----------
    toolbox
        With an ERP only in the process that executes.
    drafter
        Words explanations.
    checkpoints
        SQLite file for LangGraph's scratch paper, which may be deleted at any moment; with PostgreSQL it lies in a
        schema of its own and this is not used.
    gate
        How far the roll-out is, and whether the ERP enforces keys.
    """

    def __init__(self, toolbox: Toolbox, drafter: Drafter, checkpoints: Path, gate: Gate) -> None:
        # Spreads the pauses of processes that collided; no result depends on it.
        self._again = partial(retrying, chance=Random(os.getpid()))
        self.toolbox = toolbox
        self.drafter = drafter
        self.gate = gate
        self._checkpoints = checkpoints
        self._anchored_to = 0
        """Every entry up to here is known to be anchored: a worker looks again and again, at what is new only."""

    def sweep(self, progress: Progress | None = None) -> Sweep:
        """Look at everything once: find, group, plan, explain, rule, queue."""
        return self._again(lambda: self._sweep(progress))

    def _sweep(self, progress: Progress | None) -> Sweep:
        with self.sweeping(progress) as context:
            result = sweep_graph().invoke({}, {"recursion_limit": 50}, context=context)
        sweep: Sweep = result["result"]
        return sweep

    @contextmanager
    def sweeping(self, progress: Progress | None = None) -> Iterator[SweepContext]:
        """What one run of the sweep graph works with, cleared up after it."""
        with self._graph() as graph, collecting_seldom():
            yield SweepContext(
                toolbox=self.toolbox,
                gate=self.gate,
                recover=self.recover,
                work_case=lambda case_id, proposal_id: graph.start(case_id, proposal_id),
                progress=progress or _silent,
            )
            graph.prune()

    def decide(self, decision: Decision, user: User) -> Proposal:
        """Take a person's decision; the proposal as it stands afterwards."""
        return self.decided(decision, user).proposal

    def decided(self, decision: Decision, user: User) -> Decided:
        """Take a person's decision; an edit makes a new version, which goes through the gate at once."""
        taken = self._again(lambda: decide(self.toolbox, self.gate, decision, user))
        proposal = taken.proposal
        if proposal.state is ProposalState.DRAFT:
            return taken.model_copy(update={"proposal": self._through_the_gate(proposal)})
        return taken

    def _through_the_gate(self, proposal: Proposal) -> Proposal:
        """Explain a draft and rule on it; as it stands afterwards."""
        with self._graph() as graph:
            self._again(lambda: graph.start(proposal.content.case_id, proposal.proposal_id))
        with self.toolbox.database.read() as connection:
            return find_proposal(connection, EVERYTHING, proposal.proposal_id)

    def submit(self, asked: PrefillProposal, form_digest: str, user: User) -> Proposal:
        """Make a form a person submits a proposal, and put it before the gate; as it stands afterwards."""
        draft = self._again(lambda: submit_suggestion(self.toolbox, asked, form_digest, user))
        return self._through_the_gate(draft)

    def approve_all(self, decisions: Sequence[Decision], user: User) -> tuple[BatchRow, ...]:
        """Approve several proposals of one rule and lane, each by itself."""
        return approve_all(self.toolbox, decisions, user, self.decided)

    def execute(self, progress: Progress | None = None) -> tuple[Execution, ...]:
        """Send everything that is approved and due, after finding out about whatever was left half-way."""
        recovery = self._again(self.recover)
        done = list(recovery.reconciled)
        waiting = due(self.toolbox)
        with self._graph() as graph:
            for number, proposal_id in enumerate(waiting, start=1):
                try:
                    done.append(self._again(partial(graph.finish, proposal_id)))
                except KillSwitchError:
                    raise
                except (LostRaceError, ToolError) as error:
                    done.append(self._left(proposal_id, str(error)))
                (progress or _silent)("execute", number, len(waiting))
            graph.prune()
        return tuple(done)

    def _left(self, proposal_id: str, note: str) -> Execution:
        with self.toolbox.database.read() as connection:
            state = find_proposal(connection, EVERYTHING, proposal_id).state
        return Execution(proposal_id=proposal_id, state=state, receipts=(), note=note)

    def recover(self) -> Recovery:
        """Put right what a crash, a lost answer or time itself left half-way; safe to run at any moment."""
        toolbox = self.toolbox
        expired = expire(toolbox)
        escalated = escalate_overdue(toolbox)
        reconciled = reconcile(toolbox) if toolbox.erp is not None else []
        with toolbox.database.write("evenkeel", toolbox.now()) as transaction:
            open_missing_outcomes(transaction)
        anchored = self._anchor_missing()
        orphans = toolbox.snapshots.sweep_orphans(now=toolbox.now())
        return Recovery(
            expired=tuple(expired),
            reconciled=tuple(reconciled),
            anchored=anchored,
            orphan_parts=orphans,
            escalated=tuple(each.proposal_id for each in escalated),
        )

    def _anchor_missing(self) -> int:
        """Anchor entries whose process died between commit and anchoring."""
        anchor = self.toolbox.database.anchor
        with self.toolbox.database.read() as connection:
            fresh = list(entries(connection, first=self._anchored_to + 1))
        if not fresh:
            return 0
        known = anchor.read()
        missing = [entry for entry in fresh if entry.sequence not in known]
        anchor.append(missing)
        self._anchored_to = fresh[-1].sequence
        return len(missing)

    def replay(self, identifier: str, scope: Scope = EVERYTHING) -> tuple[Replay, ...]:
        """Work out again what a plan run, a proposal, or every proposal of a case came to."""
        with self.toolbox.database.read() as connection:
            if identifier.startswith("plan-"):
                if scope.sites is not None or scope.item_classes is not None:
                    raise NotFoundError(f"plan {identifier} spans sites {scope.user} may not see: replay a case of it")
                return (replay_plan(self.toolbox, connection, identifier),)
            if identifier.startswith("prop-"):
                return (replay_proposal(self.toolbox, connection, scope, identifier),)
            proposals = list_proposals(connection, scope, case_id=identifier)
            if not proposals:
                raise NotFoundError(f"{identifier!r}: no plan run, proposal or case that {scope.user} may see")
            return tuple(
                replay_proposal(self.toolbox, connection, scope, proposal.proposal_id) for proposal in proposals
            )

    def why(self, scope: Scope, item: str, site: str) -> Why:
        """Why there is, or is not, a case for an item at a site."""
        with self.toolbox.database.read() as connection:
            return explain_why(self.toolbox, connection, scope, item, site)

    @contextmanager
    def _graph(self) -> Iterator[_CaseRunner]:
        with open_checkpoints(self.toolbox.database, self._checkpoints) as checkpoints:
            yield _CaseRunner(self, checkpoints)


class _CaseRunner:
    """The compiled case graph on open scratch paper."""

    def __init__(self, desk: ExceptionDesk, checkpoints: Checkpoints) -> None:
        self._desk = desk
        self._context = DeskContext(desk.toolbox, desk.drafter, desk.gate)
        self._checkpoints = checkpoints
        self._compiled = case_graph(checkpoints.saver)

    def _thread(self, proposal_id: str) -> RunnableConfig:
        return {"configurable": {"thread_id": proposal_id}, "recursion_limit": 50}

    def start(self, case_id: str, proposal_id: str) -> None:
        """Run a draft to where it waits for a person or the recall window; a half-run thread is begun anew."""
        thread = self._thread(proposal_id)
        self._checkpoints.saver.delete_thread(proposal_id)
        self._compiled.invoke(
            {"case_id": case_id, "proposal_id": proposal_id}, thread, context=self._context, durability="sync"
        )

    def finish(self, proposal_id: str) -> Execution:
        """Resume an approved proposal to its end; without its checkpoint, do the same from SQL."""
        thread = self._thread(proposal_id)
        state = self._compiled.get_state(thread)
        if state.next and state.next[0] in ("approve", "recall"):
            resume: Command[Any] = Command(resume={"decision_id": proposal_id})
            self._compiled.invoke(resume, thread, context=self._context, durability="sync")
        if self._report(proposal_id).state in (ProposalState.APPROVED, ProposalState.SENT):
            # No checkpoint, or one that does not accept the approval: SQL alone decides, and the dispatcher says why.
            runtime = Runtime(context=self._context)
            for node in (execute, learn):
                node({"proposal_id": proposal_id}, runtime)
        return self._report(proposal_id)

    def prune(self) -> None:
        """Throw away the scratch paper of every proposal that has come to its end."""
        with self._desk.toolbox.database.read() as connection:
            live = {proposal.proposal_id for proposal in list_proposals(connection, EVERYTHING, states=LIVE)}
        self._checkpoints.prune(live)

    def _report(self, proposal_id: str) -> Execution:
        with self._desk.toolbox.database.read() as connection:
            proposal = find_proposal(connection, EVERYTHING, proposal_id)
            receipts = list_receipts(connection, EVERYTHING, proposal_id=proposal_id)
        return Execution(proposal_id=proposal_id, state=proposal.state, receipts=tuple(receipts), note=proposal.reason)
