"""What is looked at before an approved proposal's documents are sent for the first time.

- What policy alone approved waits while clocks disagree.
- After a restore the ERP may hold what the database has forgotten. So once a house was restored, every document is
  looked up under its key before it is sent, and none is sent until the ERP has had time to show what was sent before.
"""

from __future__ import annotations

from inventory.outbox import list_outbox
from inventory.records import EVERYTHING, DocumentState, Proposal, ProposalState
from inventory.restores import newest_restore
from tools.clocks import clock_problem, erp_problem
from tools.erp.port import ErpPort
from tools.errors import ClockSkewError, ErpDuplicateError, RestoredError
from tools.toolbox import Toolbox, signed_by_policy


def require_true_clocks(toolbox: Toolbox, proposal: Proposal) -> None:
    """``ClockSkewError`` if policy alone approved the proposal and clocks disagree."""
    if proposal.state is not ProposalState.APPROVED:
        return
    with toolbox.database.read() as connection:
        if not signed_by_policy(connection, [proposal]):
            return
        problem = clock_problem(toolbox, connection)
    problem = problem or erp_problem(toolbox)
    if problem:
        raise ClockSkewError(f"proposal {proposal.proposal_id} was approved by policy and waits: {problem}")


def posted_before_restore(toolbox: Toolbox, erp: ErpPort, proposal_id: str) -> frozenset[str]:
    """Keys of documents that wait to be sent and that the ERP holds already; empty in a house never restored.

    Raises
    ------
    RestoredError
        While the ERP may still show something that was sent before the restore.
    ErpError
        If the ERP cannot be asked.
    """
    with toolbox.database.read() as connection:
        restored = newest_restore(connection)
        if restored is None:
            return frozenset()
        waiting = list_outbox(connection, EVERYTHING, proposal_id=proposal_id, states=(DocumentState.READY,))
    wanted = [row for row in waiting if row.document.action in erp.capabilities.actions]
    certain_from = restored.at + erp.capabilities.answer_limit
    if wanted and toolbox.now() < certain_from:
        raise RestoredError(
            f"proposal {proposal_id} waits until {certain_from:%Y-%m-%d %H:%M:%S} UTC: this house was put back from a "
            "backup, and the ERP may still show what was sent before"
        )
    return frozenset(row.key for row in wanted if _holds(erp, row.key))


def _holds(erp: ErpPort, key: str) -> bool:
    try:
        return erp.find(key) is not None
    except ErpDuplicateError:
        return True
