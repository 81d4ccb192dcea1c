"""Stored scenarios and replenishment runs: kept in versions, kept once, and shown within the reader's scope."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from inventory.audit import entries
from inventory.database import Database
from inventory.errors import NotFoundError
from inventory.records import (
    EVERYTHING,
    ReplenishmentLine,
    ReplenishmentRun,
    ScenarioChange,
    ScenarioKind,
    Scope,
    StoredScenario,
)
from inventory.replenishments import find_run, insert_run, list_runs
from inventory.scenarios import find_scenario, insert_scenario, list_scenarios
from tests.inventory.record_examples import EXAMPLES
from tests.inventory.worlds import NOW, PORTO, TODAY

SURGE = StoredScenario(name="surge", changes=(ScenarioChange(kind=ScenarioKind.DEMAND_SURGE, factor=1.5),))


def test_a_changed_scenario_is_a_new_version_and_the_same_one_a_replay(database: Database) -> None:
    stronger = SURGE.model_copy(update={"note": "as in spring"})
    with database.write("pia", NOW) as transaction:
        assert [insert_scenario(transaction, one) for one in (SURGE, SURGE, stronger)] == [1, 1, 2]
        assert [entry.subject_id for entry in transaction.entries] == ["surge@v1", "surge@v2"]
    with database.read() as connection:
        assert find_scenario(connection, EVERYTHING, "surge") == stronger
        assert list_scenarios(connection, EVERYTHING) == [stronger]
        with pytest.raises(NotFoundError, match="known: surge"):
            find_scenario(connection, EVERYTHING, "flood")


def a_run(**changes: object) -> ReplenishmentRun:
    example = EXAMPLES[ReplenishmentRun]
    assert isinstance(example, ReplenishmentRun)
    return example.model_copy(update=changes)


def test_a_day_and_snapshot_has_one_run_of_each_mode(database: Database) -> None:
    with database.write("pia", NOW) as transaction:
        insert_run(transaction, a_run())
        insert_run(transaction, a_run(run_id="repl-2", shadow=False))
    with pytest.raises(IntegrityError), database.write("pia", NOW) as transaction:
        insert_run(transaction, a_run(run_id="repl-3"))
    with database.read() as connection:
        found = find_run(connection, EVERYTHING, day=TODAY, snapshot_id="snap-1", shadow=False)
        assert found is not None
        assert found.run_id == "repl-2"
        later = TODAY + timedelta(days=1)
        assert find_run(connection, EVERYTHING, day=later, snapshot_id="snap-1", shadow=True) is None
        assert [run.run_id for run in list_runs(connection, EVERYTHING)] == ["repl-2", "repl-1"]
        assert [entry.event for entry in entries(connection)] == ["replenishment.recommended"] * 2


def test_a_reader_sees_the_lines_of_their_sites_and_classes(database: Database) -> None:
    line = EXAMPLES[ReplenishmentLine]
    assert isinstance(line, ReplenishmentLine)
    other = line.model_copy(update={"site": "elsewhere"})
    with database.write("pia", NOW) as transaction:
        insert_run(transaction, a_run(lines=(line, other)))
    with database.read() as connection:
        for scope, seen in (
            (EVERYTHING, 2),
            (Scope(user="ines", sites=frozenset({PORTO})), 1),
            (Scope(user="ines", item_classes=frozenset({"regulated"})), 0),
        ):
            (run,) = list_runs(connection, scope)
            assert len(run.lines) == seen
