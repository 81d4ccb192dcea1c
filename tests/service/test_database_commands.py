"""A production home on PostgreSQL, from the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from inventory.database_roles import RIGHTS, ROLES
from service.bootstrap import init_home
from service.cli import app
from service.demo.company import AS_OF
from service.home import HomeKind
from service.settings import Settings
from tests import postgres

DECIDE = ROLES[1]


def knock(home: Path, url: str, *words: str, token: str = "") -> Result:
    """Run a command against a home and a database."""
    settings = {"EVENKEEL_HOME": str(home), "EVENKEEL_DATABASE_URL": url, "EVENKEEL_TOKEN": token}
    return CliRunner().invoke(app, list(words), env=settings)


@pytest.fixture
def url() -> str:
    """A database nothing was done to."""
    return postgres.new_database(empty=True)


@pytest.fixture
def token(tmp_path: Path, url: str) -> str:
    """Of the administrator of a fresh home at ``tmp_path``."""
    added = knock(tmp_path, url, "user", "add", "root", "--name", "Root", "--roles", "administrator")
    assert added.exit_code == 0, added.output
    (found,) = re.findall(r"\bek_\S+", added.stdout)
    return str(found)


def test_the_owner_grants_the_roles_and_a_member_runs_the_house(tmp_path: Path, url: str, token: str) -> None:
    assert not list(tmp_path.rglob("evenkeel.sqlite3"))
    as_owner = knock(tmp_path, url, "doctor")
    assert as_owner.exit_code == 0
    assert "PostgreSQL 18" in as_owner.stdout
    assert "may rewrite the audit log" in " ".join(as_owner.stdout.split())
    assert knock(tmp_path, url, "database", "grant").exit_code == 1, "nobody is signed in"
    for _ in range(2):
        granted = knock(tmp_path, url, "database", "grant", token=token)
        assert granted.exit_code == 0, granted.output

    member = postgres.account(url, DECIDE)
    as_member = " ".join(knock(tmp_path, member, "doctor").stdout.split())
    assert DECIDE in as_member
    assert "may rewrite" not in as_member
    added = knock(tmp_path, member, "user", "add", "pia", "--name", "Pia", "--roles", "planner", token=token)
    assert added.exit_code == 0, added.output
    verified = knock(tmp_path, member, "audit", "verify", token=token)
    assert (verified.exit_code, "sound" in verified.stdout) == (0, True)
    refused = knock(tmp_path, member, "database", "grant", token=token)
    assert refused.exit_code == 1
    assert "database account" in refused.stderr


def test_the_rights_are_printed_without_a_home() -> None:
    printed = CliRunner().invoke(app, ["database", "roles", "--json"])
    assert printed.exit_code == 0
    said = json.loads(printed.stdout)
    assert set(said) == set(RIGHTS)
    assert said["receipts"] == {ROLES[0]: ["SELECT"], DECIDE: ["SELECT"], ROLES[2]: ["SELECT", "INSERT"]}
    table = CliRunner().invoke(app, ["database", "roles"])
    assert "approvals" in table.stdout


def test_a_server_that_is_not_there_is_named_without_the_password(tmp_path: Path) -> None:
    nowhere = f"postgresql://ek:s3cret@/house?host={tmp_path}"
    result = knock(tmp_path, nowhere, "user", "add", "root", "--name", "Root", "--roles", "administrator")
    assert result.exit_code == 1
    assert "s3cret" not in result.output
    assert result.stderr.startswith("error: ")


def test_a_demo_home_never_leaves_its_folder(tmp_path: Path, url: str) -> None:
    settings = Settings(home=tmp_path / "demo", database_url=SecretStr(url))
    house = init_home(tmp_path / "demo", HomeKind.DEMO, AS_OF, settings=settings)
    assert house.database.path == tmp_path / "demo" / "evenkeel.sqlite3"
    house.close()


def test_a_sqlite_home_has_no_accounts_to_grant_to(tmp_path: Path) -> None:
    house = init_home(tmp_path / "demo", HomeKind.DEMO, AS_OF)
    house.close()
    added = CliRunner().invoke(
        app,
        ["user", "add", "root", "--name", "Root", "--roles", "administrator"],
        env={"EVENKEEL_HOME": str(tmp_path / "demo")},
    )
    (token,) = re.findall(r"\bek_\S+", added.stdout)
    result = CliRunner().invoke(
        app, ["database", "grant"], env={"EVENKEEL_HOME": str(tmp_path / "demo"), "EVENKEEL_TOKEN": token}
    )
    assert result.exit_code == 1
    assert "SQLite" in result.stderr
