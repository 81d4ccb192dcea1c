"""The command line: who may enter, what it prints, and how it fails."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from inventory.audit import GENESIS, entry_hash
from inventory.people import issue_token, revoke_tokens
from inventory.records import ReasonCode
from service.bootstrap import House
from service.cli import COMMANDS
from tests.service.doors import ADMIN, AUDITOR, CENTRAL, MANAGER, PLANNER, Doors, a_transfer, write_feeds

HEAVY = {"langgraph", "langchain_core", "chromadb", "scipy", "polars", "sqlalchemy", "fastapi", "numpy", "openai"}
WIDTH = 100


def _imported(*words: str, home: Path | None = None) -> set[str]:
    """Top-level packages one run of the command line imported."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "service.cli", *words],
        capture_output=True, text=True, check=True, env={"EVENKEEL_HOME": str(home or Path("nowhere")), "PATH": ""},
    )  # fmt: skip
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in run.stderr.splitlines() if "|" in line}


@pytest.mark.parametrize("words", [("--help",), ("decide", "--help"), ("knowledge", "--help")])
def test_help_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    assert not _imported(*words) & HEAVY


def test_a_list_of_cases_loads_no_graph_index_or_solver(still_house: House) -> None:
    loaded = _imported("cases", "--as", MANAGER, home=still_house.layout.home)
    assert "sqlalchemy" in loaded
    assert not loaded & {"langgraph", "langchain_core", "chromadb", "scipy", "polars", "fastapi", "openai"}


def test_every_command_explains_itself(still_doors: Doors) -> None:
    for name in (*COMMANDS, "audit verify", "knowledge search", "user add"):
        result = still_doors.knock(*name.split(), "--help")
        assert result.exit_code == 0
        assert "Usage" in result.stdout


def test_the_help_names_every_reason(still_doors: Doors) -> None:
    said = " ".join(still_doors.knock("decide", "--help").stdout.split())
    assert all(reason.value in said for reason in ReasonCode)


@pytest.mark.parametrize(
    "words",
    [
        ("cases",), ("cases", "--all"), ("cases", "CASE"), ("proposals",), ("proposals", "PROPOSAL"), ("brief",),
        ("why", "P-3435", "PL-NORTH"), ("trace", "PROPOSAL"), ("replay", "PROPOSAL"),
        ("knowledge", "search", "donor floor of a transfer"), ("user", "roles"), ("audit", "verify"),
    ],
)  # fmt: skip
def test_every_reading_command_can_print_json_and_nothing_else(
    still_doors: Doors, still_house: House, words: tuple[str, ...]
) -> None:
    proposal = a_transfer(still_house)
    ids = {"CASE": proposal.content.case_id, "PROPOSAL": proposal.proposal_id}
    assert still_doors.answer(*(ids.get(word, word) for word in words), "--as", MANAGER)


def test_the_list_fits_the_terminal_and_adds_up(still_doors: Doors) -> None:
    said = still_doors.knock("cases", "--all", "--as", MANAGER).stdout
    assert max(len(line) for line in said.splitlines()) <= WIDTH
    found, shown, automatic, held_back = map(int, re.findall(r"(?:found|shown|automatic|held back) (\d+)", said)[:4])
    assert found == shown + automatic + held_back
    assert len(re.findall(r"case-", said)) == found
    assert len(still_doors.answer("cases", "--as", MANAGER)["cases"]) == shown


def test_one_case_shows_all_that_a_decision_needs(doors: Doors, house: House) -> None:
    proposal = a_transfer(house)
    said = doors.knock("cases", proposal.content.case_id, "--as", PLANNER).stdout
    for heading in ("What was found", "What drives it", "What could be done", "Why (template)", "Rules that apply",
                    "Ruling: planner", "Reservations"):  # fmt: skip
        assert heading in said
    assert re.search(r"^ *[0-9]+ +hold +0 ", said, re.MULTILINE), "doing nothing is an option with a price"
    command = next(line.strip() for line in said.splitlines() if line.strip().startswith("evenkeel decide"))
    words = command.replace("USER", PLANNER).split()[1:]
    assert doors.knock(*words).exit_code == 0, "the command to copy works as it stands"


def test_a_reader_sees_their_own_sites_only(still_doors: Doors, still_house: House) -> None:
    proposal = a_transfer(still_house)
    seen = still_doors.answer("cases", "--all", "--as", "cara.planner")
    assert 0 < seen["open_cases"] < still_doors.answer("cases", "--all", "--as", MANAGER)["open_cases"]
    assert seen["counts"]["found"] == len(seen["cases"])
    for words in (("cases", proposal.content.case_id), ("proposals", proposal.proposal_id),
                  ("trace", proposal.proposal_id), ("why", "P-3435", "PL-NORTH")):  # fmt: skip
        result = still_doors.knock(*words, "--as", "cara.planner")
        assert result.exit_code == 1
        assert result.stderr.startswith("error: ")
        assert not result.stdout


def test_nobody_enters_without_saying_who_they_are(still_doors: Doors) -> None:
    result = still_doors.knock("cases")
    assert result.exit_code == 1
    assert "who are you" in result.stderr


def test_a_token_opens_until_it_is_revoked(doors: Doors, house: House) -> None:
    with house.database.write("admin", house.clock()) as transaction:
        token = issue_token(transaction, PLANNER)
    assert doors.knock("cases", env={"EVENKEEL_TOKEN": token}).exit_code == 0
    with house.database.write("admin", house.clock()) as transaction:
        revoke_tokens(transaction, PLANNER)
    result = doors.knock("cases", env={"EVENKEEL_TOKEN": token})
    assert result.exit_code == 1
    assert token not in result.output


def test_a_name_is_no_identity_outside_the_demo_home(tmp_path: Path) -> None:
    doors = Doors(tmp_path / "fresh")
    assert doors.knock("user", "add", "root", "--name", "Root", "--roles", "administrator").exit_code == 0
    result = doors.knock("cases", "--as", "root")
    assert result.exit_code == 1
    assert "demo home" in result.stderr


def test_the_first_user_is_an_administrator_and_the_next_needs_their_token(tmp_path: Path) -> None:
    doors = Doors(tmp_path / "fresh")
    refused = doors.knock("user", "add", "ann", "--name", "Ann", "--roles", "approver", "--limit", "500")
    assert refused.exit_code == 1
    first = doors.knock("user", "add", "root", "--name", "Root", "--roles", "administrator")
    token = first.stdout.rpartition(" ")[2].strip()
    assert doors.knock("user", "add", "ann", "--name", "Ann", "--roles", "approver").exit_code == 1
    mine = {"EVENKEEL_TOKEN": token}
    assert doors.knock("user", "add", "ann", "--name", "Ann", "--roles", "approver", env=mine).exit_code == 0
    known = doors.answer("user", "roles", env=mine)
    assert {user["user_id"]: user["roles"] for user in known}["ann"] == ["approver"]
    assert doors.knock("user", "roles", "root", "--set", "planner", env=mine).exit_code == 1, "the last administrator"
    assert doors.knock("user", "add", "x", "--name", "X", "--roles", "king", env=mine).exit_code == 1
    hers = doors.knock("user", "token", "ann", env=mine).stdout.strip()
    assert doors.knock("user", "add", "y", "--name", "Y", "--roles", "planner", env={"EVENKEEL_TOKEN": hers}).exit_code


def test_a_fresh_home_takes_its_first_data_at_once(tmp_path: Path) -> None:
    write_feeds(tmp_path / "feeds")
    doors = Doors(tmp_path / "fresh")
    report = doors.answer("import", str(tmp_path / "feeds"))
    assert report["snapshot_id"].startswith("snap-")
    assert doors.answer("import", str(tmp_path / "feeds"))["replay"] is True


@pytest.mark.parametrize("what", ["nowhere", "rubbish"])
def test_data_that_cannot_be_read_is_refused_in_one_line(still_doors: Doors, tmp_path: Path, what: str) -> None:
    folder = tmp_path / what
    if what == "rubbish":
        folder.mkdir()
        (folder / "stock.csv").write_bytes(b"item,site\n\xff\xfe\x00")
    result = still_doors.knock("import", str(folder), "--as", MANAGER)
    assert result.exit_code == 1
    assert re.fullmatch(r"error: .+\n", result.stderr)


def test_without_a_home_the_next_step_is_named(tmp_path: Path) -> None:
    result = Doors(tmp_path / "none").knock("cases", "--as", "anybody")
    assert result.exit_code == 1
    assert "evenkeel demo" in result.stderr


def test_the_kill_switch_is_easy_to_set_and_lifted_by_another_hand(doors: Doors) -> None:
    assert doors.knock("kill-switch", "on", "--as", AUDITOR).exit_code == 1
    assert doors.knock("kill-switch", "on", "--as", CENTRAL).exit_code == 0
    assert "already" in doors.knock("kill-switch", "on", "--as", ADMIN).stdout
    assert doors.knock("kill-switch", "off", "--as", PLANNER).exit_code == 1
    assert "somebody else" in doors.knock("kill-switch", "off", "--as", CENTRAL).stderr
    assert doors.answer("brief", "--as", MANAGER)["kill_switch"] is True
    assert doors.knock("kill-switch", "off", "--as", ADMIN).exit_code == 0
    assert doors.answer("brief", "--as", MANAGER)["kill_switch"] is False


def test_an_exported_log_can_be_verified_elsewhere(still_doors: Doors, tmp_path: Path) -> None:
    assert still_doors.knock("audit", "export", "--as", PLANNER).exit_code == 1
    file = tmp_path / "log.jsonl"
    assert still_doors.knock("audit", "export", "--output", str(file), "--as", AUDITOR).exit_code == 0
    previous = GENESIS
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        entry = json.loads(line)
        fields = tuple(entry[name] for name in ("at", "actor", "os_user", "event", "subject", "subject_id", "body"))
        assert entry["sequence"] == number
        assert entry["previous"] == previous
        assert entry["hash"] == entry_hash(number, previous, fields)
        previous = entry["hash"]
    assert previous != GENESIS


def test_a_log_that_was_tampered_with_fails_both_checks(doors: Doors, house: House) -> None:
    assert doors.knock("doctor").exit_code == 0
    with house.database.write("mallory", house.clock()) as transaction:
        transaction.connection.exec_driver_sql("UPDATE audit SET actor = 'nobody' WHERE sequence = 3")
    verified = doors.knock("audit", "verify", "--as", AUDITOR)
    assert verified.exit_code == 4
    assert "entry 3" in verified.stderr
    examined = doors.knock("doctor")
    assert examined.exit_code == 4
    assert "audit chain" in examined.stderr


def test_the_doctor_sees_a_missing_part_of_a_snapshot_and_a_misspelt_variable(doors: Doors, home: Path) -> None:
    next((home / "snapshots").rglob("*.parquet")).unlink()
    result = doors.knock("doctor", env={"EVENKEEL_HMOE": "x"})
    assert result.exit_code == 4
    assert "EVENKEEL_HMOE" in result.stdout
