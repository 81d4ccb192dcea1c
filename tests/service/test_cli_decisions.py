"""Deciding and executing at the command line, with the real desk."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory.records import Proposal
from service.bootstrap import House
from tests.service.doors import APPROVER, AUDITOR, PLANNER, Doors, a_transfer


def _words(proposal: Proposal, verb: str, *more: str, reason: str = "agree") -> tuple[str, ...]:
    return ("decide", proposal.proposal_id, verb, "--digest", proposal.digest[:12], "--reason", reason, *more)


def test_an_approval_counts_once(doors: Doors, house: House) -> None:
    words = _words(a_transfer(house), "approve", "--as", PLANNER)
    first = doors.knock(*words)
    assert first.exit_code == 0
    assert "approved" in first.stdout
    again = doors.knock(*words)
    assert again.exit_code == 3
    assert "no longer waits" in again.stderr


def test_another_digest_is_refused_and_the_refusal_is_recorded(doors: Doors, house: House) -> None:
    proposal = a_transfer(house)
    words = ("decide", proposal.proposal_id, "approve", "--digest", "0123456789ab", "--reason", "agree")
    assert doors.knock(*words, "--as", PLANNER).exit_code == 3
    told = doors.answer("trace", proposal.proposal_id, "--as", PLANNER)
    assert any(moment["event"] == "decision.refused" for moment in told["moments"])


def test_an_auditor_decides_nothing(still_doors: Doors, still_house: House) -> None:
    result = still_doors.knock(*_words(a_transfer(still_house), "approve", "--as", AUDITOR))
    assert result.exit_code == 3
    assert "auditor" in result.stderr


def test_who_edits_may_not_sign_their_own_version(doors: Doors, house: House) -> None:
    edited = doors.answer(*_words(a_transfer(house), "edit", "--line", "1=20", "--as", PLANNER, reason="knows_event"))
    assert edited["content"]["version"] == 2
    assert edited["content"]["lines"][0]["quantity"] == 20
    shown = doors.answer("proposals", edited["proposal_id"], "--as", PLANNER)
    words = ("decide", edited["proposal_id"], "approve", "--digest", shown["digest"][:8], "--reason", "agree")
    own = doors.knock(*words, "--as", PLANNER)
    assert own.exit_code == 3
    assert PLANNER in own.stderr
    assert doors.knock(*words, "--as", APPROVER).exit_code == 0


def test_a_snooze_says_until_when(doors: Doors, house: House) -> None:
    proposal = a_transfer(house)
    result = doors.knock(*_words(proposal, "snooze", "--until", "2024-04-11", "--as", PLANNER, reason="capacity"))
    assert result.exit_code == 0
    assert "until 2024-04-11 00:00 UTC" in result.stdout


def test_a_rejection_is_an_override_in_the_brief(doors: Doors, house: House) -> None:
    words = _words(a_transfer(house), "reject", "--text", "We count first.", "--as", PLANNER, reason="data_wrong")
    assert doors.knock(*words).exit_code == 0
    overrides = doors.answer("brief", "--as", PLANNER)["overrides"]
    assert [(made["by"], made["reason"], made["text"]) for made in overrides] == [
        (PLANNER, "data_wrong", "We count first.")
    ]


def test_an_escalation_asks_for_a_formal_approval(doors: Doors, house: House) -> None:
    assert doors.answer(*_words(a_transfer(house), "escalate", "--as", PLANNER, reason="strategy"))["tier"] == "formal"


@pytest.mark.parametrize(
    ("verb", "more"),
    [
        ("approve", ("--reason", "because")),
        ("approve", ("--digest", "abc")),
        ("approve", ("--digest", "ABCDEF0123")),
        ("approve", ("--line", "1=3")),
        ("edit", ()),
        ("edit", ("--line", "1=-3")),
        ("edit", ("--line", "1=٣")),
        ("edit", ("--line", "1=3", "--line", "1=4")),
        ("snooze", ()),
        ("snooze", ("--until", "2024-W15-1")),
        ("snooze", ("--until", "2024-02-30")),
        ("snooze", ("--until", "2024-04-11T08:00")),
        ("admire", ()),
    ],
)
def test_what_cannot_be_understood_is_a_usage_error(
    still_doors: Doors, still_house: House, verb: str, more: tuple[str, ...]
) -> None:
    result = still_doors.knock(*_words(a_transfer(still_house), verb), *more, "--as", PLANNER)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert result.stderr


def test_a_line_that_is_not_there_is_named(still_doors: Doors, still_house: House) -> None:
    result = still_doors.knock(*_words(a_transfer(still_house), "edit", "--line", "7=1", "--as", PLANNER))
    assert result.exit_code == 1
    assert "no line 7" in result.stderr


def test_what_is_approved_is_executed_once(doors: Doors, house: House) -> None:
    proposal = a_transfer(house)
    assert doors.knock("execute", "--as", AUDITOR).exit_code == 1
    assert doors.knock(*_words(proposal, "approve", "--as", PLANNER)).exit_code == 0
    done = doors.answer("execute", "--as", PLANNER)
    mine = [execution for execution in done if execution["proposal_id"] == proposal.proposal_id]
    assert [execution["state"] for execution in mine] == ["executed"]
    assert len(mine[0]["receipts"]) == 1
    assert doors.answer("execute", "--as", PLANNER) == []
    shown = doors.knock("cases", proposal.content.case_id, "--as", PLANNER).stdout
    assert mine[0]["receipts"][0]["erp_reference"] in shown
    told = [moment["event"] for moment in doors.answer("trace", proposal.proposal_id, "--as", PLANNER)["moments"]]
    wanted = ["case.opened", "proposal.drafted", "execute_tool assemble", "retrieval rules", "execute_tool options",
              "invoke_agent draft", "proposal.explained", "execute_tool gate", "proposal.ruled", "approval.given",
              "proposal.approved", "action.applied", "proposal.executed"]  # fmt: skip
    assert [event for event in told if event in wanted] == wanted


def test_without_an_erp_nothing_is_executed(doors: Doors, tmp_path: Path) -> None:
    fresh = Doors(tmp_path / "fresh")
    added = fresh.knock("user", "add", "root", "--name", "Root", "--roles", "administrator")
    result = fresh.knock("execute", env={"EVENKEEL_TOKEN": added.stdout.rpartition(" ")[2].strip()})
    assert result.exit_code == 2
    assert "no ERP is configured" in result.stderr
