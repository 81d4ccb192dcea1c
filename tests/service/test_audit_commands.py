"""The audit commands: verify, export, gaps, about; and what a start leaves on record."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from inventory.audit import entries
from inventory.outbox import list_outbox, list_receipts
from inventory.proposals import list_proposals
from inventory.records import EVERYTHING, ProposalState
from service.bootstrap import House, open_home
from service.settings import Settings
from tests.service.doors import ADMIN, AUDITOR, CENTRAL, MANAGER, PLANNER, Doors, a_transfer


@pytest.fixture(scope="module")
def acted(swept_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Doors:
    """A copy of the home in which one transfer was approved and executed."""
    home = tmp_path_factory.mktemp("acted") / "home"
    shutil.copytree(swept_home, home)
    doors, house = Doors(home), open_home(Settings(home=home))
    transfer = a_transfer(house)
    words = ("decide", transfer.proposal_id, "approve", "--digest", transfer.digest[:12], "--reason", "agree")
    assert doors.knock(*words, "--as", PLANNER).exit_code == 0
    house.advance(3)
    house.dispatch_desk.execute()
    house.close()
    return doors


@pytest.fixture(scope="module")
def names(acted: Doors) -> dict[str, str]:
    """An executed proposal, its case, document key and ERP reference."""
    house = open_home(Settings(home=acted.home))
    with house.database.read() as connection:
        for proposal in list_proposals(connection, EVERYTHING, states=(ProposalState.EXECUTED,)):
            rows = list_outbox(connection, EVERYTHING, proposal_id=proposal.proposal_id)
            if rows:
                answers = list_receipts(connection, EVERYTHING, proposal_id=proposal.proposal_id)
                break
    house.close()
    return {
        "proposal": proposal.proposal_id, "case": proposal.content.case_id, "document": rows[0].key,
        "reference": answers[0].erp_reference,
    }  # fmt: skip


def test_a_new_home_is_signed_from_its_first_entry(house: House) -> None:
    with house.database.read() as connection:
        log = list(entries(connection))
    assert [entry.event for entry in log[:2]] == ["signing_key.created", "configuration.changed"]
    heads = house.database.anchor.heads()
    assert heads[0].sequence == 1
    assert heads[-1].sequence == log[-1].sequence
    assert oct(house.layout.signing_key.stat().st_mode & 0o777) == "0o600"


def test_a_start_with_other_settings_is_on_record_once(home: Path) -> None:
    for rollout in ("guided", "guided", "auto"):
        open_home(Settings(home=home, rollout=rollout)).close()
    house = open_home(Settings(home=home))
    with house.database.read() as connection:
        told = [entry.data["rollout"] for entry in entries(connection, subject_id="house")]
    house.close()
    assert told == ["auto", "guided", "auto"]


def test_a_home_made_before_heads_were_signed_gets_its_key_when_it_is_next_opened(home: Path) -> None:
    house = open_home(Settings(home=home))
    kept = [line for line in house.layout.anchor.read_text("ascii").splitlines() if not line.startswith("head")]
    with house.database.write("test", house.clock()) as transaction:
        for table in ("audit", "audit_heads"):
            transaction.connection.exec_driver_sql(f"DELETE FROM {table}")
    house.layout.anchor.unlink()
    house.layout.signing_key.unlink()
    house.close()
    assert kept
    again = open_home(Settings(home=home))
    assert [head.sequence for head in again.database.anchor.heads()][:1] == [1]
    assert again.layout.signing_key.exists()
    again.close()


def test_a_signing_key_that_was_taken_away_is_not_made_anew(home: Path) -> None:
    (home / "anchor" / "signing.key").unlink()
    doors = Doors(home)
    verified = doors.knock("audit", "verify", "--as", AUDITOR)
    assert verified.exit_code == 4
    assert "signing key cannot be read" in verified.stdout
    assert not (home / "anchor" / "signing.key").exists()


def test_verify_says_what_it_held_the_log_against(acted: Doors) -> None:
    said = acted.knock("audit", "verify", "--as", AUDITOR)
    assert said.exit_code == 0, said.output
    for part in ("anchored outside the database", "sound", "signed heads", "rows of the tables compared"):
        assert part in said.stdout
    data = acted.answer("audit", "verify", "--as", AUDITOR)
    assert (data["alarms"], data["not_anchored"], data["not_signed"]) == ([], 0, 0)


def test_a_table_changed_behind_the_log_is_named(doors: Doors, house: House) -> None:
    with house.database.write("mallory", house.clock()) as transaction:
        transaction.connection.exec_driver_sql("UPDATE users SET body = replace(body, 'planner', 'approver')")
    verified = doors.knock("audit", "verify", "--as", AUDITOR)
    assert verified.exit_code == 4
    assert "users " in verified.stderr
    assert "users " in doors.knock("doctor").stdout


def test_heads_that_cannot_be_delivered_are_an_alarm_everywhere_and_stop_nothing(doors: Doors, tmp_path: Path) -> None:
    third = tmp_path / "third"
    env = {"EVENKEEL_HEADS_FOLDER": str(third)}
    assert doors.knock("kill-switch", "on", "--as", CENTRAL, env=env).exit_code == 0
    verified = doors.knock("audit", "verify", "--as", AUDITOR, env=env)
    assert verified.exit_code == 1
    assert "heads not delivered to folder" in verified.stderr
    assert "heads not delivered to folder" in " ".join(doors.knock("doctor", env=env).stdout.split())
    assert any("heads not delivered" in alarm for alarm in doors.answer("brief", "--as", MANAGER, env=env)["alarms"])
    assert "heads not delivered" in doors.knock("brief", "--as", MANAGER, env=env).stdout
    third.mkdir()
    assert doors.knock("audit", "daily", "--as", AUDITOR, env=env).exit_code == 0
    assert doors.knock("audit", "verify", "--as", AUDITOR, env=env).exit_code == 0
    assert list(third.rglob("*.head"))


def test_an_export_of_a_period_is_checked_with_no_home_at_all(acted: Doors, tmp_path: Path) -> None:
    file = tmp_path / "export.jsonl"
    key = acted.knock("audit", "key", "--as", AUDITOR).stdout.strip()
    period = ("--period", "2024-01-01..2030-12-31", "--out", str(file))
    assert acted.knock("audit", "export", *period, "--as", PLANNER).exit_code == 1
    done = acted.knock("audit", "export", *period, "--as", AUDITOR)
    assert done.exit_code == 0, done.output
    nowhere = Doors(tmp_path / "no home")
    checked = nowhere.knock("audit", "verify", "--file", str(file), "--key", key)
    assert checked.exit_code == 0, checked.output
    assert "each with its receipt" in checked.stdout
    assert nowhere.answer("audit", "verify", "--file", str(file))["documents"] > 0
    file.write_text(file.read_text("utf-8").replace('"actor":"evenkeel"', '"actor":"nobody"', 1), "utf-8")
    assert nowhere.knock("audit", "verify", "--file", str(file)).exit_code == 4
    file.write_text("nonsense", "utf-8")
    assert nowhere.knock("audit", "verify", "--file", str(file)).exit_code == 2


@pytest.mark.parametrize("period", ["2024", "2024-04-08..", "2024-04-09..2024-04-07", "x..y"])
def test_a_period_that_is_none_is_refused(acted: Doors, period: str) -> None:
    assert acted.knock("audit", "export", "--period", period, "--as", AUDITOR).exit_code == 2


def test_no_executed_line_lacks_its_trace(acted: Doors) -> None:
    found = acted.answer("audit", "gaps", "--as", AUDITOR)
    assert found["lines"] > 0
    assert found["gaps"] == []
    assert acted.knock("audit", "gaps", "--as", PLANNER).exit_code == 1


def test_a_gap_is_named_and_fails_the_command(doors: Doors, acted: Doors, tmp_path: Path) -> None:
    shutil.copytree(acted.home, tmp_path / "gap")
    house = open_home(Settings(home=tmp_path / "gap"))
    with house.database.write("mallory", house.clock()) as transaction:
        transaction.connection.exec_driver_sql("UPDATE proposals SET explanation = ''")
    house.close()
    said = Doors(tmp_path / "gap").knock("audit", "gaps", "--as", ADMIN)
    assert said.exit_code == 4
    assert "no explanation" in said.stdout


@pytest.mark.parametrize("what", ["proposal", "case", "document", "reference"])
def test_the_three_questions_are_answered_by_any_name_of_the_action(
    acted: Doors, names: dict[str, str], what: str
) -> None:
    said = acted.knock("audit", "about", names[what], "--as", AUDITOR)
    assert said.exit_code == 0, said.output
    for part in ("What was recommended", "On what data", "Who or what executed it", names["document"], "snapshot",
                 "plan run", "approval policy", names["reference"]):  # fmt: skip
        assert part in said.stdout, part
    accounts = acted.answer("audit", "about", names[what], "--as", AUDITOR)["accounts"]
    account = next(each for each in accounts if each["proposal_id"] == names["proposal"])
    assert account["executed"][0]["sent_by"].startswith("evenkeel")
    assert account["data"]["feeds"]
    assert account["data"]["age_hours_when_drafted"] >= 0
    assert account["decided"][0]["digest"] == account["recommended"]["digest"]
    assert [policy["version"] for policy in account["data"]["policies"]] == [1, 1]


def test_what_a_reader_may_not_see_is_as_if_it_were_not_there(acted: Doors, names: dict[str, str]) -> None:
    house = open_home(Settings(home=acted.home))
    from inventory.people import save_user
    from inventory.records import User

    with house.database.write("admin", house.clock()) as transaction:
        save_user(transaction, User(user_id="far", name="Far", roles=("planner",), sites=("NOWHERE",)))
    house.close()
    for name in (*names.values(), "prop-nothing"):
        said = acted.knock("audit", "about", name, "--as", "far")
        assert said.exit_code == 1
        assert said.stderr.replace(name, "X") == (
            "error: 'X': no proposal, document, ERP reference or case with a proposal that far may see\n"
        )


def test_the_answer_is_the_same_as_the_data(acted: Doors, names: dict[str, str]) -> None:
    found = acted.answer("audit", "about", names["document"], "--as", AUDITOR)
    assert json.loads(json.dumps(found)) == found
    assert found["asked"] == names["document"]
