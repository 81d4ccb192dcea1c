"""The written rules that apply to a case: passages in force that day for its sites, suppliers, classes and action."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from inventory.records import Case, CaseKind, Citation, Proposal, Scope
from tools.tracing import trace_retrieval

if TYPE_CHECKING:
    from knowledge.base import KnowledgeBase
    from tools.toolbox import Toolbox

QUESTIONS: dict[CaseKind, str] = {
    CaseKind.PROJECTED_STOCKOUT: "projected stockout transfer between sites donor floor reorder point approval",
    CaseKind.EXCESS: "excess and slow-moving stock what to do with surplus",
    CaseKind.SUPPLIER_DELAY: "late supplier delivery escalation expedite purchase order delay",
    CaseKind.DEMAND_SHIFT: "demand spike promotion unusual demand reorder",
    CaseKind.IMBALANCE: "imbalance between sites transfer surplus donor floor",
    CaseKind.OBSOLESCENCE: "obsolescence expiry shelf life markdown write-off scrap return to supplier",
    CaseKind.LEAD_TIME_DRIFT: "supplier lead time change contract parameter review",
    CaseKind.FORECAST_BIAS: "forecast bias review forecast correction",
    CaseKind.POLICY_INCONSISTENCY: "service target review period policy parameters sites",
    CaseKind.RECURRING: "recurring exception parameter change reorder point safety stock",
    CaseKind.REPLENISHMENT: "replenishment order purchase minimum order quantity budget approval",
    CaseKind.DATA_PROBLEM: "stock count mismatch correction stale data quarantine",
}
LIMIT = 4


def retrieve(
    toolbox: Toolbox, connection: Connection, case: Case, proposal: Proposal, *, limit: int = LIMIT
) -> tuple[Citation, ...]:
    """Clauses for a case, best first; an empty tuple is an answer."""
    base = toolbox.knowledge(connection)
    classes = {item_class for item_class in case.item_classes if item_class}
    action = proposal.content.action
    words = " ".join(sorted(classes - {"standard"})).replace("_", " ")
    suppliers = sorted({finding.supplier for finding in case.findings if finding.supplier})
    query = f"{QUESTIONS[case.kind]} {action.value} {words}".strip()
    ranked = base.search(
        query,
        on=toolbox.now().date(),
        sites=frozenset(set(case.sites) | set(proposal.content.sites)) - {"all-sites"} or None,
        supplier=suppliers[0] if suppliers else None,
        item_classes=frozenset(classes or {"standard"}),
        action=action.value,
        limit=limit,
    )
    found = tuple(as_citation(one.passage) for one in ranked)
    trace_retrieval(query, found, base.corpus_digest)
    return found


def search_rules(base: KnowledgeBase, query: str, scope: Scope, *, on: date, limit: int = 5) -> tuple[Citation, ...]:
    """Clauses for a free question, within what the asker may read."""
    found = base.search(query, on=on, readable_sites=scope.sites, limit=limit)
    return tuple(as_citation(ranked.passage) for ranked in found)


def cited(base: KnowledgeBase, passage_id: str, *, on: date) -> Citation | None:
    """The clause of that id as a citation, while its version speaks; else ``None``."""
    passage = base.passage(passage_id)
    if passage is None or not passage.effective_from <= on <= (passage.effective_to or date.max):
        return None
    return as_citation(passage)


def as_citation(passage: object) -> Citation:
    """A knowledge passage as a record."""
    from knowledge.passages import Passage

    if not isinstance(passage, Passage):
        raise TypeError(f"expected a passage, got {type(passage).__name__}")
    return Citation(
        passage_id=passage.passage_id,
        document_id=passage.document_id,
        version=passage.version,
        clause=passage.clause,
        title=passage.title,
        effective_from=passage.effective_from,
        text=passage.text,
    )
