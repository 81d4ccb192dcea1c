"""A person's ruling on a document nobody knows the outcome of; :mod:`inventory.doubts` lists what waits for one."""

from __future__ import annotations

from inventory.doubts import exhausted
from inventory.outbox import find_document, move_document
from inventory.people import scope_of
from inventory.records import DocumentState, OutboxRow, User
from tools.action_kinds import kind_of
from tools.errors import ErpDuplicateError, ErpError, ToolInputError
from tools.settlement import Execution, settle_within
from tools.tasks import execute_by_word, require_closer
from tools.toolbox import Toolbox


def rule_on_doubt(toolbox: Toolbox, key: str, user: User, *, executed: str = "", reason: str = "") -> Execution:
    """A person rules on a document in doubt.

    Parameters
    ----------
    executed
        The ERP's number of the document, if it is there.
    reason
        Why it is certain that it is not there, otherwise.

    Raises
    ------
    ToolInputError
        If both or none are given, the document does not wait for a ruling, or the ERP itself says otherwise.
    AccessError
        If the person's role carries out no such document.
    LostRaceError
        If it moved meanwhile.
    """
    if bool(executed) is bool(reason):
        raise ToolInputError("a document in doubt was executed (say its number) or was not (say why), one of them")
    with toolbox.database.read() as connection:
        row = find_document(connection, scope_of(user), key)
    require_closer(user, kind_of(row.document.action).role, f"document {row.key}")
    if row.state is not DocumentState.IN_DOUBT and not (exhausted(row) and reason):
        raise ToolInputError(f"document {row.key} is {row.state.value}: there is nothing to rule on")
    _refuse_what_the_erp_denies(toolbox, row, executed)
    with toolbox.database.write(user.user_id, toolbox.now()) as transaction:
        if executed:
            execute_by_word(transaction, row, executed)
        else:
            move_document(transaction, row, DocumentState.FAILED, note=f"{user.user_id}: {reason}")
        transaction.record(
            "action.ruled", "proposal", row.proposal_id,
            {"key": row.key, "by": user.user_id, "executed": executed, "reason": reason, "was": row.note},
        )  # fmt: skip
        return settle_within(
            transaction, row.proposal_id, refused=f"{user.user_id} ruled it was not executed: {reason}"
        )


def _refuse_what_the_erp_denies(toolbox: Toolbox, row: OutboxRow, executed: str) -> None:
    """A person's word stands where the ERP cannot be asked or holds nothing, never against what it shows."""
    erp = toolbox.erp
    if erp is None or row.document.action not in erp.capabilities.actions:
        return
    try:
        posting = erp.find(row.key)
    except ErpDuplicateError as error:
        if not executed:
            raise ToolInputError(f"document {row.key} is in the ERP, more than once: {error}") from error
        return
    except ErpError:
        return
    if posting is not None and posting.reference != executed:
        raise ToolInputError(f"document {row.key} is in the ERP as {posting.reference}, not {executed or 'absent'}")
