"""Deciding and executing at the command line, with the real desk."""

from __future__ import annotations

import pytest

from inventory.records import EVERYTHING, Proposal
from inventory.tasks import list_tasks
from service.bootstrap import House
from tests.service.doors import APPROVER, AUDITOR, MANAGER, PLANNER, Doors, a_transfer


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
    words = _words(
        a_transfer(house), "edit", "--line", "1=20", "--text", "a fair", "--as", PLANNER, reason="knows_event"
    )
    edited = doors.answer(*words)
    assert edited["content"]["version"] == 2
    assert edited["content"]["lines"][0]["quantity"] == 20
    shown = doors.answer("proposals", edited["proposal_id"], "--as", PLANNER)
    words = ("decide", edited["proposal_id"], "approve", "--digest", shown["digest"][:8], "--reason", "agree")
    own = doors.knock(*words, "--as", PLANNER)
    assert own.exit_code == 3
    assert PLANNER in own.stderr
    assert doors.knock(*words, "--as", APPROVER).exit_code == 0


def test_another_option_is_chosen_by_the_number_the_page_shows(doors: Doors, house: House) -> None:
    proposal = a_transfer(house)
    detail = doors.answer("proposals", proposal.proposal_id, "--as", PLANNER)
    options = dict(zip(detail["option_numbers"], detail["situation"]["options"], strict=True))
    number = next(at for at, one in options.items() if one["action"] == "purchase" and one["feasible"])
    shown = doors.knock("proposals", proposal.proposal_id, "--as", PLANNER).stdout
    assert "choose" in shown
    assert "--option N" in shown
    why = ("--option", str(number), "--text", "the lane is closed", "--as", PLANNER)
    after = doors.answer(*_words(proposal, "choose", *why, reason="knows_event"))
    assert (after["content"]["action"], after["content"]["version"]) == ("purchase", 2)
    assert after["content"]["lines"][0]["quantity"] == options[number]["quantity"]
    overrides = doors.answer("brief", "--as", PLANNER)["overrides"]
    assert [(made["decision"], made["text"]) for made in overrides] == [("choose", "the lane is closed")]


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
        ("snooze", ("--when", "the moon is full")),
        ("snooze", ("--when", "stock P-3435@WH-SOUTH below")),
        ("edit", ("--line", "1=3", "--text", "no reason code")),
        ("edit", ("--line", "1=3", "--reason", "capacity")),
        ("reject", ("--reason", "agree", "--text", "I agree not")),
        ("reject", ("--reason", "distrust", "--text", "  ")),
        ("approve", ("--to", "erin.approver")),
        ("ask", ()),
        ("delegate", ()),
        ("approve", ("--batch", "prop-1=0123456789ab")),
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


def test_an_approval_says_what_was_read_again(doors: Doors, house: House) -> None:
    proposal = a_transfer(house)
    said = doors.knock(*_words(proposal, "approve", "--as", PLANNER)).stdout
    assert "everything it rests on still holds" in said
    assert "looked at: stock" in said
    assert "Facts read again" in doors.knock("proposals", proposal.proposal_id, "--as", PLANNER).stdout


def test_a_question_stands_on_the_page_until_it_is_answered(doors: Doors, house: House) -> None:
    proposal = a_transfer(house)
    words = _words(proposal, "ask", "--to", APPROVER, "--text", "Is it urgent?", "--as", PLANNER)
    assert f"to {APPROVER} is on record" in doors.knock(*words).stdout
    page = doors.knock("proposals", proposal.proposal_id, "--as", PLANNER).stdout
    assert "not answered yet" in page
    assert f"evenkeel decide {proposal.proposal_id} answer" in page
    answered = doors.knock(*_words(proposal, "answer", "--text", "It is.", "--as", APPROVER))
    assert answered.exit_code == 0
    assert "“It is.” (erin.approver)" in doors.knock("proposals", proposal.proposal_id, "--as", PLANNER).stdout


def test_every_button_of_a_page_is_a_command_that_is_understood(doors: Doors, house: House) -> None:
    """Copied from the page, with the words in capitals filled in, each does what it says."""
    proposal = a_transfer(house)
    page = " ".join(doors.knock("proposals", proposal.proposal_id, "--as", PLANNER).stdout.split())
    filled = {"N=QTY": "1=7", "CODE": "capacity", "WHY": "because", "QUESTION": "why?", "DATE": "2024-05-01"}
    offered = []
    for verb in ("ask", "escalate", "delegate"):
        command = page.partition(f"evenkeel decide {proposal.proposal_id} {verb} ")[2].partition(" --as USER")[0]
        assert command, verb
        words = [filled.get(word, APPROVER if word == "USER" else word) for word in command.split()]
        result = doors.knock("decide", proposal.proposal_id, verb, *words, "--as", PLANNER)
        assert result.exit_code == 0, result.output
        offered.append(verb)
    page = doors.knock("proposals", proposal.proposal_id, "--as", PLANNER).stdout
    assert f"handed to {APPROVER} by {PLANNER}" in page
    assert "escalated from planner to approver" in page
    assert f"{proposal.proposal_id} escalate" not in page, "it is done once"


def test_a_snooze_until_something_is_so_says_so(doors: Doors, house: House) -> None:
    proposal = a_transfer(house)
    line = proposal.content.lines[0]
    condition = f"stock {line.item}@{line.destination} above 999999"
    assert doors.knock(*_words(proposal, "snooze", "--when", condition, "--as", PLANNER)).exit_code == 0
    assert condition in doors.knock("proposals", proposal.proposal_id, "--as", PLANNER).stdout.replace("\n", " ")


def test_a_batch_says_what_became_of_each(doors: Doors, house: House) -> None:
    proposal = a_transfer(house)
    named = f"{proposal.proposal_id}={proposal.digest[:12]}"
    first = doors.knock("decide", "--batch", named, "--as", PLANNER)
    assert first.exit_code == 0
    assert "1 of 1 approved" in first.stdout
    again = doors.answer("decide", "--batch", named, "--as", PLANNER)
    assert [row["outcome"] for row in again] == ["refused"]
    assert doors.knock("decide", "--batch", proposal.proposal_id, "--as", PLANNER).exit_code == 2
    assert doors.knock("decide", "--as", PLANNER).exit_code == 2


def test_a_line_that_is_not_there_is_named(still_doors: Doors, still_house: House) -> None:
    why = ("--text", "fewer", "--as", PLANNER)
    result = still_doors.knock(*_words(a_transfer(still_house), "edit", "--line", "7=1", *why, reason="capacity"))
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


def test_without_an_erp_what_is_approved_is_a_task_that_a_persons_word_closes(doors: Doors, house: House) -> None:
    by_hand = {"EVENKEEL_ERP": "none"}
    proposal = a_transfer(house)
    approved = doors.knock(*_words(proposal, "approve", "--as", PLANNER), env=by_hand)
    assert approved.exit_code == 0
    house.advance(5)
    sent = doors.knock("execute", "--as", PLANNER, env=by_hand)
    assert sent.exit_code == 0
    assert f"{proposal.proposal_id}: sent" in sent.stdout
    assert "no ERP is configured: what is sent is a task for a person" in sent.stdout
    with house.database.read() as connection:
        tasks = [task for task in list_tasks(connection, EVERYTHING) if task.proposal_id == proposal.proposal_id]
    (task,) = tasks
    assert proposal.content.lines[0].item in task.text
    assert house.erp.find(task.key) is None, "nothing went to the ERP either"
    word = ("task", task.task_id, "done", "--reference", "TO-77", "--as", MANAGER)
    closed = doors.knock(*word, env=by_hand)
    assert closed.exit_code == 0, closed.stderr
    shown = doors.knock("cases", proposal.content.case_id, "--as", PLANNER).stdout
    assert "TO-77" in shown
