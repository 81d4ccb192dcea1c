"""One case from facts to learning, as a LangGraph.

The graph only orchestrates: what it decides upon and what it does is in SQL, so a lost checkpoint loses nothing. The
nodes ``approve`` and ``recall`` hold an interrupt and nothing else, because LangGraph runs an interrupted node again
from its first line. State carries ids and two listed types; evidence stays in the store.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Literal, TypedDict

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt
from pydantic import BaseModel
from sqlalchemy import Connection

from agent.approval_policy import expiry
from agent.asking_people import approval_request, recall_request
from agent.auto_budget import within_auto_budget
from agent.citing import with_binding
from agent.deciding.signing import release_for_execution
from agent.drafting import Drafter
from agent.purchase_budgets import hold_budget, spend_budget
from agent.ruling import Gate, rule
from agent.supplier_message import draft_messages
from agent.tracing import keep_step, keep_steps, waited
from inventory.cases import find_case
from inventory.crash_points import crash_point
from inventory.ledger import release
from inventory.lifecycle import move
from inventory.proposals import (
    find_approval,
    find_proposal,
    find_situation,
    insert_approval,
    list_citations,
    save_citations,
    save_explanation,
    save_ruling,
    save_situation,
)
from inventory.record import digest, short_id
from inventory.records import EVERYTHING, Approval, Case, Proposal, ProposalState, ReasonCode, Ruling, Situation, Tier
from inventory.supplier_messages import save_message
from tools.actions import dispatch
from tools.assemble import assemble as assemble_situation
from tools.assemble import rank_options
from tools.learning import open_outcome
from tools.retrieve import retrieve as retrieve_rules
from tools.toolbox import Toolbox
from tools.tracing import HOUSE, cite, taking

ENDED = (ProposalState.REJECTED, ProposalState.EXPIRED, ProposalState.RECALLED, ProposalState.VOID,
         ProposalState.SUPERSEDED)  # fmt: skip
RELEASED = (ProposalState.APPROVED, ProposalState.LEASED, ProposalState.SENT, ProposalState.EXECUTED,
            ProposalState.FAILED, ProposalState.IN_DOUBT, ProposalState.INCIDENT)  # fmt: skip


class CaseState(TypedDict, total=False):
    """What travels along the graph: ids, the tier, and where the proposal ended."""

    case_id: str
    proposal_id: str
    citations: int
    options: int
    tier: Tier
    decision_id: str
    ended: ProposalState


class DecisionRef(BaseModel):
    """What a paused case is resumed with; the decision itself is in SQL."""

    decision_id: str


@dataclass(frozen=True)
class DeskContext:
    """What the nodes work with; never part of a checkpoint."""

    toolbox: Toolbox
    drafter: Drafter
    gate: Gate


def assemble(state: CaseState, runtime: Runtime[DeskContext]) -> CaseState:
    """Gather the facts that matter, dated."""
    toolbox = runtime.context.toolbox
    with taking(toolbox, "execute_tool assemble", "inventory") as step:
        with toolbox.database.read() as connection:
            case = find_case(connection, EVERYTHING, state["case_id"]).case
            proposal = find_proposal(connection, EVERYTHING, state["proposal_id"])
            situation = assemble_situation(toolbox, connection, case, proposal)
        step.inputs, step.outputs = proposal.digest, digest(situation)
        with toolbox.database.write("evenkeel", toolbox.now()) as transaction:
            known = find_situation(transaction.connection, EVERYTHING, proposal.proposal_id)
            if known is not None and known.options:
                return {}  # another sweep has priced this version meanwhile, and its gate may be reading what it kept
            save_situation(transaction, proposal.proposal_id, situation)
            keep_step(transaction, step, proposal)
    return {}


def retrieve(state: CaseState, runtime: Runtime[DeskContext]) -> CaseState:
    """Find the written rules that apply."""
    toolbox = runtime.context.toolbox
    with taking(toolbox, "retrieval rules", "audit") as step:
        with toolbox.database.read() as connection:
            case = find_case(connection, EVERYTHING, state["case_id"]).case
            proposal = find_proposal(connection, EVERYTHING, state["proposal_id"])
            found = retrieve_rules(toolbox, connection, case, proposal)
            situation = find_situation(connection, EVERYTHING, proposal.proposal_id)
            options = situation.options if situation else ()
            citations = with_binding(toolbox, connection, proposal, found, options)
        cite(step, citations)
        with toolbox.database.write("evenkeel", toolbox.now()) as transaction:
            save_citations(transaction, proposal.proposal_id, citations)
            keep_step(transaction, step, proposal)
    return {"citations": len(citations)}


def optimize(state: CaseState, runtime: Runtime[DeskContext]) -> CaseState:
    """Price what could be done, best first."""
    toolbox = runtime.context.toolbox
    with taking(toolbox, "execute_tool options", "replenishment") as step:
        with toolbox.database.read() as connection:
            case, proposal, situation = _facts(toolbox, connection, state)
            step.inputs = digest(situation)
            options = rank_options(toolbox, connection, case, proposal)
            known = list_citations(connection, EVERYTHING, proposal.proposal_id)
            citations = with_binding(toolbox, connection, proposal, known, options)
        situation = situation.model_copy(update={"options": options})
        step.outputs = digest(situation)
        with toolbox.database.write("evenkeel", toolbox.now()) as transaction:
            save_situation(transaction, proposal.proposal_id, situation)
            save_citations(transaction, proposal.proposal_id, citations)
            keep_step(transaction, step, proposal)
    return {"options": len(options)}


def draft(state: CaseState, runtime: Runtime[DeskContext]) -> CaseState:
    """Word the explanation of what is already fixed."""
    toolbox = runtime.context.toolbox
    with taking(toolbox, "invoke_agent draft", "allocation") as step:
        with toolbox.database.read() as connection:
            case, proposal, situation = _facts(toolbox, connection, state)
            citations = list_citations(connection, EVERYTHING, proposal.proposal_id)
        explanation = runtime.context.drafter.draft(case, situation, proposal, citations)
        messages = draft_messages(proposal, runtime.context.drafter, step.started_at)
        step.inputs, step.outputs = digest(situation), digest(explanation)
        step.words["answer"], step.attributes["evenkeel.source"] = explanation.text, explanation.source
        with toolbox.database.write("evenkeel", toolbox.now()) as transaction:
            save_explanation(transaction, explanation)
            for message in messages:
                save_message(transaction, message)
            keep_step(transaction, step, proposal)
    crash_point("draft.after_explanation")
    return {}


def _facts(toolbox: Toolbox, connection: Connection, state: CaseState) -> tuple[Case, Proposal, Situation]:
    """Case, proposal and situation from the store; a situation nobody kept yet is assembled."""
    case = find_case(connection, EVERYTHING, state["case_id"]).case
    proposal = find_proposal(connection, EVERYTHING, state["proposal_id"])
    situation = find_situation(connection, EVERYTHING, proposal.proposal_id)
    return case, proposal, situation or assemble_situation(toolbox, connection, case, proposal)


def gate(state: CaseState, runtime: Runtime[DeskContext]) -> CaseState:
    """Rule who must agree; in the auto tier policy signs."""
    toolbox = runtime.context.toolbox
    with (
        taking(toolbox, "execute_tool gate", "audit") as step,
        toolbox.database.write("evenkeel", toolbox.now()) as transaction,
    ):
        proposal = find_proposal(transaction.connection, EVERYTHING, state["proposal_id"])
        if proposal.state is not ProposalState.DRAFT:
            return {"tier": proposal.tier or Tier.FORMAL}
        ruling, policy = rule(toolbox, transaction.connection, runtime.context.gate, proposal)
        hold_budget(toolbox, transaction, proposal, policy)
        ruling = within_auto_budget(transaction, proposal, ruling, policy)
        save_ruling(transaction, proposal.proposal_id, ruling)
        pending = move(
            transaction, proposal, ProposalState.PENDING, reason=ruling.tier.value, tier=ruling.tier,
            expires_at=transaction.now + expiry(ruling.tier, policy),
        )  # fmt: skip
        if ruling.tier is Tier.ADVICE:
            release(transaction, proposal.proposal_id)
        if ruling.tier is Tier.AUTO:
            approval = _policy_signature(pending, ruling, transaction.now)
            insert_approval(transaction, approval)
            spend_budget(toolbox, transaction, proposal, policy)
            release_for_execution(transaction, pending, approval, Tier.AUTO, policy)
        step.inputs, step.outputs = proposal.digest, digest(ruling)
        step.attributes |= {"evenkeel.tier": ruling.tier.value, "evenkeel.policy": str(ruling.policy_version)}
        keep_step(transaction, step, proposal)
        crash_point("gate.before_commit")
    crash_point("gate.after_commit")
    return {"tier": ruling.tier}


def _policy_signature(proposal: Proposal, ruling: Ruling, now: datetime) -> Approval:
    rule_name = next((fired.rule for fired in ruling.fired if fired.tier is Tier.AUTO), "allow_list")
    by = f"policy:{ruling.policy_version}:{rule_name}"
    return Approval(
        approval_id=short_id("appr", proposal.proposal_id, proposal.digest, by),
        proposal_id=proposal.proposal_id,
        proposal_digest=proposal.digest,
        decision="approve",
        by=by,
        kind="policy",
        reason=ReasonCode.AGREE,
        at=now,
    )


def approve(state: CaseState, runtime: Runtime[DeskContext]) -> CaseState:
    """Wait until SQL holds a person's decision."""
    toolbox = runtime.context.toolbox
    while True:
        with toolbox.database.read() as connection:
            proposal = find_proposal(connection, EVERYTHING, state["proposal_id"])
            approval = find_approval(connection, EVERYTHING, proposal)
        if proposal.state in ENDED:
            return {"ended": proposal.state}
        if proposal.state in RELEASED and approval is not None:
            return {"decision_id": approval.approval_id}
        interrupt(approval_request(proposal), response_schema=DecisionRef)


def recall(state: CaseState, runtime: Runtime[DeskContext]) -> CaseState:
    """Wait until the recall window has passed."""
    toolbox = runtime.context.toolbox
    while True:
        with toolbox.database.read() as connection:
            proposal = find_proposal(connection, EVERYTHING, state["proposal_id"])
        if proposal.state in ENDED:
            return {"ended": proposal.state}
        if proposal.not_before is None or proposal.not_before <= toolbox.now():
            return {}
        interrupt(recall_request(proposal), response_schema=DecisionRef)


def execute(state: CaseState, runtime: Runtime[DeskContext]) -> CaseState:
    """Send what was approved through the outbox."""
    toolbox = runtime.context.toolbox
    with toolbox.database.read() as connection:
        proposal = find_proposal(connection, EVERYTHING, state["proposal_id"])
    if proposal.state not in (ProposalState.APPROVED, ProposalState.SENT):
        return {"ended": proposal.state}
    with taking(toolbox, "execute_tool dispatch", "supply") as step:
        done = dispatch(toolbox, state["proposal_id"])
        sent = " ".join(receipt.erp_reference for receipt in done.receipts)
        step.inputs, step.outputs = proposal.digest, digest(done)
        step.attributes |= {"evenkeel.state": done.state.value, "evenkeel.erp.references": sent}
        with toolbox.database.write("evenkeel", toolbox.now()) as transaction:
            keep_steps(transaction, (waited(toolbox, transaction.connection, proposal), step), proposal)
    return {"ended": done.state}


def learn(state: CaseState, runtime: Runtime[DeskContext]) -> CaseState:
    """Open the outcome that later receipts are compared with."""
    toolbox = runtime.context.toolbox
    with (
        taking(toolbox, "execute_tool outcome", HOUSE) as step,
        toolbox.database.write("evenkeel", toolbox.now()) as transaction,
    ):
        open_outcome(transaction, state["proposal_id"])
        proposal = find_proposal(transaction.connection, EVERYTHING, state["proposal_id"])
        step.inputs, step.attributes["evenkeel.state"] = proposal.digest, proposal.state.value
        ended = () if proposal.state in RELEASED else (waited(toolbox, transaction.connection, proposal),)
        keep_steps(transaction, (*ended, step), proposal)
    return {}


def after_gate(state: CaseState) -> Literal["approve", "recall"]:
    """The auto tier skips the person, never the record or the recall window."""
    return "recall" if state["tier"] == Tier.AUTO else "approve"  # PostgreSQL gives it back as plain text


def after_decision(state: CaseState) -> Literal["recall", "learn"]:
    """What was refused goes straight to learning."""
    return "learn" if "ended" in state else "recall"


def after_recall(state: CaseState) -> Literal["execute", "learn"]:
    """What was recalled goes straight to learning."""
    return "learn" if "ended" in state else "execute"


def case_graph(
    checkpointer: BaseCheckpointSaver[str] | None,
) -> CompiledStateGraph[CaseState, DeskContext, CaseState, CaseState]:
    """The case graph: assemble → retrieve → optimize → draft → gate → approve → recall → execute → learn."""
    graph = copy(_compiled())
    graph.checkpointer = checkpointer
    return graph


@cache
def _compiled() -> CompiledStateGraph[CaseState, DeskContext, CaseState, CaseState]:
    """Compiled once: LangGraph reads the byte code of every node for it."""
    graph = StateGraph(CaseState, context_schema=DeskContext)
    graph.add_node("assemble", assemble)
    graph.add_node("retrieve", retrieve)
    graph.add_node("optimize", optimize)
    graph.add_node("draft", draft)
    graph.add_node("gate", gate)
    graph.add_node("approve", approve)
    graph.add_node("recall", recall)
    graph.add_node("execute", execute)
    graph.add_node("learn", learn)
    for start, end in (
        (START, "assemble"), ("assemble", "retrieve"), ("retrieve", "optimize"), ("optimize", "draft"),
        ("draft", "gate"), ("execute", "learn"), ("learn", END),
    ):  # fmt: skip
        graph.add_edge(start, end)
    graph.add_conditional_edges("gate", after_gate)
    graph.add_conditional_edges("approve", after_decision)
    graph.add_conditional_edges("recall", after_recall)
    return graph.compile()
