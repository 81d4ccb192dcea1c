"""Policies: a version's words never change, and no version is skipped."""

from __future__ import annotations

import pytest

from inventory.audit import entries
from inventory.database import Database
from inventory.errors import NotFoundError, StoreError
from inventory.records import EVERYTHING, PolicyVersion
from inventory.rulebook import find_policy, insert_policy
from tests.inventory.worlds import NOW, PORTO_PLANNER


def adopt(database: Database, version: int, *, content: str = "x = 1", kind: str = "approval") -> PolicyVersion:
    policy = PolicyVersion.model_validate(
        {"kind": kind, "version": version, "content": content, "author": "mette", "effective_at": NOW}
    )
    with database.write("mette", NOW) as transaction:
        insert_policy(transaction, policy)
    return policy


@pytest.mark.parametrize("version", [0, 1, 2, 4, -1])
def test_policy_versions_leave_no_gap_and_are_never_replaced(database: Database, version: int) -> None:
    adopt(database, 1)
    adopt(database, 2)
    with pytest.raises(StoreError, match=f"policy approval: version {version} cannot follow version 2"):
        adopt(database, version, content="x = 9")
    with database.read() as connection:
        assert find_policy(connection, EVERYTHING, "approval").version == 2
        assert find_policy(connection, EVERYTHING, "approval", 2).content == "x = 1"


def test_the_first_version_of_a_policy_is_one(database: Database) -> None:
    with pytest.raises(StoreError, match="version 2 cannot follow version 0"):
        adopt(database, 2)
    assert adopt(database, 1).version == 1


def test_two_policies_count_apart_and_old_versions_stay_readable(database: Database) -> None:
    first, second = adopt(database, 1, content="x = 1"), adopt(database, 2, content="x = 2")
    thresholds = adopt(database, 1, kind="thresholds")
    rolled_back = adopt(database, 3, content=first.content)
    with database.read() as connection:
        assert find_policy(connection, PORTO_PLANNER, "approval") == rolled_back
        assert [find_policy(connection, EVERYTHING, "approval", number) for number in (1, 2)] == [first, second]
        assert find_policy(connection, EVERYTHING, "thresholds") == thresholds
        told = [(entry.subject_id, entry.data["content"]) for entry in entries(connection)]
    assert told[0] == ("approval@v1", "x = 1")
    assert told[-1] == ("approval@v3", "x = 1")


def test_a_policy_that_is_not_there_is_an_error_not_a_default(database: Database) -> None:
    with database.read() as connection, pytest.raises(NotFoundError, match="approval policy in force"):
        find_policy(connection, EVERYTHING, "approval")
    adopt(database, 1)
    with database.read() as connection, pytest.raises(NotFoundError, match="approval policy 7"):
        find_policy(connection, EVERYTHING, "approval", 7)
