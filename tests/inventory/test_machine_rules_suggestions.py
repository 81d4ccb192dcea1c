"""A suggested machine rule is words for people until a second person confirms it."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from inventory.audit import entries
from inventory.database import Database
from inventory.document_life import end_document
from inventory.errors import LostRaceError, NotFoundError, StoreError
from inventory.machine_rules import DonorFloor, list_effective
from inventory.machine_rules_suggestions import (
    RuleSuggestion,
    confirm_suggestion,
    find_suggestion,
    insert_suggestion,
    list_suggestions,
    refuse_suggestion,
)
from inventory.machine_rules_words import as_toml
from inventory.records import EVERYTHING
from inventory.tables import rule_suggestions
from tests.inventory.test_document_life import FLOOR, SOP, wrong
from tests.inventory.worlds import GHENT_PLANNER, NOW, PORTO_PLANNER, TODAY
from tests.written_rules import put_in_force


def suggest(database: Database, rule: DonorFloor = FLOOR, by: str = "evenkeel") -> RuleSuggestion:
    with database.write(by, NOW) as transaction:
        return insert_suggestion(transaction, rule, as_toml(rule), "model", "clause 1.1 says fourteen days")


def confirm(database: Database, suggestion_id: str = "rule-suggestion-1", by: str = "ines") -> RuleSuggestion:
    with database.write(by, NOW) as transaction:
        return confirm_suggestion(transaction, suggestion_id)


def refuse(database: Database, suggestion_id: str = "rule-suggestion-1") -> RuleSuggestion:
    with database.write("ines", NOW) as transaction:
        return refuse_suggestion(transaction, suggestion_id)


def effective(database: Database) -> list[str]:
    with database.read() as connection:
        return [rule.rule_id for rule in list_effective(connection, EVERYTHING, TODAY)]


def test_a_suggestion_counts_from_when_a_second_person_confirmed_it(database: Database) -> None:
    put_in_force(database, SOP)
    kept = suggest(database)
    assert effective(database) == []
    assert confirm(database).settled_by == "ines"
    assert effective(database) == ["R-12"]
    with database.read() as connection:
        assert find_suggestion(connection, PORTO_PLANNER, kept.suggestion_id).rule == FLOOR
        assert [entry.event for entry in entries(connection)][-2:] == ["rule.suggested", "rule.confirmed"]
    assert wrong(database) == []


def test_nobody_confirms_their_own_suggestion(database: Database) -> None:
    put_in_force(database, SOP)
    suggest(database, by="mette")
    with pytest.raises(StoreError, match="mette suggested rule-suggestion-1 and may not confirm it"):
        confirm(database, by="mette")
    with pytest.raises(IntegrityError, match="two_people"), database.write("mette", NOW) as transaction:
        transaction.connection.execute(update(rule_suggestions).values(state="confirmed", settled_by="mette"))
    assert effective(database) == []


def test_a_suggestion_is_settled_once(database: Database) -> None:
    put_in_force(database, SOP)
    suggest(database)
    refuse(database)
    for again in (confirm, refuse):
        with pytest.raises(LostRaceError, match="is refused already, by ines"):
            again(database)
    assert effective(database) == []
    assert wrong(database) == []


def test_a_suggestion_lapses_with_its_document(database: Database) -> None:
    put_in_force(database, SOP)
    suggest(database)
    suggest(database, FLOOR.model_copy(update={"rule_id": "R-13"}))
    confirm(database)
    with database.write("ines", NOW) as transaction:
        end_document(transaction, "SOP-12", 1, "withdrawn")
    assert effective(database) == []
    with pytest.raises(StoreError, match="SOP-12@v1 is withdrawn"):
        confirm(database, "rule-suggestion-2")
    with pytest.raises(StoreError, match="SOP-12@v1 is withdrawn"):
        suggest(database)


def test_an_id_that_is_taken_is_refused(database: Database) -> None:
    put_in_force(database, SOP, (FLOOR,))
    put_in_force(database, SOP.model_copy(update={"document_id": "SOP-13"}))
    suggest(database)
    suggest(database, FLOOR.model_copy(update={"document_id": "SOP-13"}))
    with pytest.raises(StoreError, match="SOP-12@v1 has a rule R-12 already"):
        confirm(database)
    with pytest.raises(StoreError, match="SOP-12 v1 has a rule of that id"):
        confirm(database, "rule-suggestion-2")


def test_suggestions_are_shown_where_their_document_is(database: Database) -> None:
    put_in_force(database, SOP)
    suggest(database)
    with database.read() as connection:
        assert len(list_suggestions(connection, PORTO_PLANNER)) == 1
        assert list_suggestions(connection, GHENT_PLANNER) == []
        with pytest.raises(NotFoundError):
            find_suggestion(connection, GHENT_PLANNER, "rule-suggestion-1")
        with pytest.raises(NotFoundError, match="rule-suggestion-9"):
            find_suggestion(connection, EVERYTHING, "rule-suggestion-9")
