"""Backup, drill and restore at the command line: what it takes, what it says, and that nothing is half done."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from inventory.backup import DATABASE, read_backup
from inventory.chronicle import KILL_SWITCH, switch_is_on
from inventory.database import sqlite_module
from inventory.log_report import examine_log
from service.bootstrap import House, open_home
from service.home import Layout
from service.settings import Settings
from tests.service.doors import ADMIN, MANAGER, PLANNER, Doors


@pytest.fixture
def backup(doors: Doors, house: House, tmp_path: Path) -> Path:
    """A backup of the open house."""
    made = doors.knock("backup", str(tmp_path / "backup"), "--as", ADMIN)
    assert made.exit_code == 0, made.output
    return tmp_path / "backup"


def key(home: Path) -> tuple[str, str]:
    return "--key", str(Layout(home).signing_key)


def test_only_who_manages_the_house_backs_it_up(doors: Doors, tmp_path: Path) -> None:
    for user in (PLANNER, MANAGER):
        assert doors.knock("backup", str(tmp_path / "b"), "--as", user).exit_code == 1
    assert not (tmp_path / "b").exists()


def test_the_key_is_not_in_a_backup(backup: Path, home: Path) -> None:
    secret = Layout(home).signing_key.read_bytes().splitlines()[1]
    assert all(secret not in path.read_bytes() for path in backup.rglob("*") if path.is_file())
    assert not list(backup.rglob("*.key"))


def test_a_drill_says_whether_the_house_could_be_put_back(backup: Path, doors: Doors, home: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    found = doors.answer("restore", "--drill", str(backup), "--anchor", str(Layout(home).anchor))
    assert found["log_problems"] == found["replay_problems"] == []
    assert found["replayed"].startswith("plan-")
    assert found["parts"] > 10
    assert found["lost"] == ""
    assert 0 < found["seconds"] < 60
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before


def test_a_drill_finds_a_row_that_was_changed_before_the_backup(doors: Doors, house: House, tmp_path: Path) -> None:
    connection = sqlite_module().connect(str(house.layout.database))
    connection.execute("UPDATE users SET body = replace(body, 'planner', 'approver') WHERE user_id = 'ben.planner'")
    connection.commit()
    connection.close()
    assert doors.knock("backup", str(tmp_path / "b"), "--as", ADMIN).exit_code == 0
    result = doors.knock("restore", "--drill", str(tmp_path / "b"))
    assert result.exit_code == 4
    assert "users ben.planner" in result.stdout


def test_a_restored_house_is_sound_and_sends_nothing(backup: Path, home: Path, tmp_path: Path) -> None:
    there = Doors(tmp_path / "there")
    result = there.knock("restore", str(backup), *key(home))
    assert result.exit_code == 0, result.output
    assert "the kill switch is on" in result.stdout
    house = open_home(Settings(home=there.home))
    with house.database.read() as connection:
        assert switch_is_on(connection, KILL_SWITCH)
    with house.database.read() as connection:
        report = examine_log(connection, house.database.anchor)
    house.close()
    assert report.sound
    assert report.not_signed == 0
    assert stat.S_IMODE(Layout(there.home).signing_key.stat().st_mode) == 0o600
    assert there.knock("doctor").exit_code == 0
    again = there.knock("restore", str(backup), *key(home))
    assert again.exit_code == 1
    assert "is not empty" in again.stderr


@pytest.mark.parametrize("lacking", ["no key", "another key", "changed backup"])
def test_a_restore_that_cannot_be_done_makes_no_home(backup: Path, home: Path, tmp_path: Path, lacking: str) -> None:
    there = Doors(tmp_path / "there")
    words = list(key(home))
    if lacking == "no key":
        words = []
    elif lacking == "another key":
        from inventory.heads import create_key

        create_key(tmp_path / "other.key")
        words = ["--key", str(tmp_path / "other.key")]
    else:
        (backup / DATABASE).write_bytes((backup / DATABASE).read_bytes() + b" ")
    result = there.knock("restore", str(backup), *words)
    assert result.exit_code == 1
    assert not Layout(there.home).exists()
    assert {"no key": "--key FILE", "another key": "is not the signing key", "changed backup": "digest differs"}[
        lacking
    ] in result.stderr


def test_what_was_lost_is_named_and_the_folder_of_heads_is_kept_as_proof(
    doors: Doors, home: Path, tmp_path: Path
) -> None:
    heads = tmp_path / "heads"
    heads.mkdir()
    env = {"EVENKEEL_HEADS_FOLDER": str(heads)}
    assert doors.knock("backup", str(tmp_path / "b"), "--as", ADMIN, env=env).exit_code == 0
    entries = read_backup(tmp_path / "b").entries
    assert doors.knock("kill-switch", "on", "--as", MANAGER, env=env).exit_code == 0
    there = Doors(tmp_path / "there")
    refused = there.knock("restore", str(tmp_path / "b"), *key(home), env=env)
    assert refused.exit_code == 1
    assert "set EVENKEEL_HEADS_FOLDER to a new folder" in refused.stderr
    shutil.rmtree(there.home, ignore_errors=True)
    done = there.knock("restore", str(tmp_path / "b"), *key(home), "--anchor", str(heads))
    assert done.exit_code == 0, done.output
    lost = f"entries {entries + 1:,}..{entries + 1:,} were anchored but are not in this backup"
    assert lost in " ".join(done.stdout.split())
    assert lost in " ".join(there.knock("doctor").stdout.split())
    assert any(lost in alarm for alarm in there.answer("brief", "--as", MANAGER)["alarms"])
