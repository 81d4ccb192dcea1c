"""The command line of whoever carries things out: tasks, answers, rulings on doubt, and the path of a lot."""

from __future__ import annotations

import pytest

from inventory.outbox import list_outbox
from inventory.records import EVERYTHING, ActionKind, ProposalState
from inventory.tasks import list_tasks
from service.bootstrap import House
from tests.service.doors import MANAGER, PLANNER, Doors, a_transfer
from tools.action_kinds import KINDS
from tools.actions import dispatch
from tools.erp.faults import Fault, FaultKind
from tools.erp.simulated import SimulatedErp


def approved(doors: Doors, house: House) -> str:
    """A transfer of the home, approved."""
    proposal = a_transfer(house)
    doors.answer(
        "decide", proposal.proposal_id, "approve", "--digest", proposal.digest[:8], "--reason", "agree", "--as", PLANNER
    )
    return proposal.proposal_id


def an_erp(house: House, *, native_key: bool, without: tuple[ActionKind, ...] = ()) -> SimulatedErp:
    """The home's ERP, with fewer abilities."""
    actions = set(KINDS) - set(without)
    return SimulatedErp(house.layout.erp, native_key=native_key, clock=house.clock, actions=actions)


def test_a_task_is_listed_and_answered_once(doors: Doors, house: House) -> None:
    proposal_id = approved(doors, house)
    house.toolbox.erp = an_erp(house, native_key=True, without=(ActionKind.TRANSFER,))
    assert dispatch(house.toolbox, proposal_id).state is ProposalState.SENT
    with house.database.read() as connection:
        (task,) = list_tasks(connection, EVERYTHING)

    (listed,) = doors.answer("tasks", "--as", MANAGER)["tasks"]
    assert (listed["task_id"], listed["state"]) == (task.task_id, "open")
    assert "Move " in doors.knock("tasks", "--as", MANAGER).stdout.replace("\n", " ")
    refused = doors.knock("task", task.task_id, "done", "--reference", "TO-1", "--as", PLANNER)
    assert (refused.exit_code, "may not answer for task" in refused.stderr) == (1, True)
    assert doors.knock("task", task.task_id, "done", "--as", MANAGER).exit_code == 1
    done = doors.answer("task", task.task_id, "done", "--reference", "TO-1", "--as", MANAGER)
    assert (done["state"], done["receipts"][0]["found_by"]) == ("executed", "person")
    again = doors.knock("task", task.task_id, "refused", "--text", "no", "--as", MANAGER)
    assert (again.exit_code, "done already" in again.stderr) == (3, True)
    assert doors.answer("tasks", "--as", MANAGER) == {"tasks": [], "doubts": []}
    assert len(doors.answer("tasks", "--all", "--as", MANAGER)["tasks"]) == 1
    assert "task.done" in doors.knock("trace", proposal_id, "--as", MANAGER).stdout


def test_a_document_in_doubt_is_ruled_on(doors: Doors, house: House) -> None:
    proposal_id = approved(doors, house)
    erp = house.toolbox.erp = an_erp(house, native_key=False)
    erp.faults.add(Fault(kind=FaultKind.LOSE_REQUEST))
    assert dispatch(house.toolbox, proposal_id).state is ProposalState.IN_DOUBT
    with house.database.read() as connection:
        (row,) = list_outbox(connection, EVERYTHING, proposal_id=proposal_id)

    assert [doubt["key"] for doubt in doors.answer("tasks", "--as", MANAGER)["doubts"]] == [row.key]
    for words in ([], ["--not-executed"], ["--executed", "X", "--not-executed", "--reason", "y"], ["--reason", "y"]):
        assert doors.knock("doubt", row.key, *words, "--as", MANAGER).exit_code == 2
    house.advance(5)
    assert row.key in doors.knock("brief", "--as", MANAGER).stdout
    assert "evenkeel tasks" in doors.knock("doctor").stdout.replace("\n", " ")
    ruled = doors.answer("doubt", row.key, "--not-executed", "--reason", "looked", "--as", MANAGER)
    assert (ruled["state"], ruled["receipts"]) == ("failed", [])


@pytest.mark.parametrize("words", [[], ["CASE-1", "--lot", "L-1"]])
def test_trace_tells_a_case_or_a_lot(doors: Doors, words: list[str]) -> None:
    assert doors.knock("trace", *words, "--as", MANAGER).exit_code == 2


def test_the_path_of_an_unknown_lot_is_an_error_and_of_a_known_one_a_table(doors: Doors, house: House) -> None:
    assert doors.knock("trace", "--lot", "L-NEVER", "--as", MANAGER).exit_code == 2
    stock = house.snapshots.open(house.toolbox.snapshot().snapshot_id).table("stock")
    lots = [lot for lot in stock.filter(stock["status"] == "unrestricted")["lot"].to_list() if lot]
    if not lots:
        return
    steps = doors.answer("trace", "--lot", lots[0], "--as", MANAGER)
    assert steps[-1]["what"] == "lies there"
