"""Machine rules: every kind as the format has it, errors that say where and what, and what speaks on a day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import get_args

import pytest

from inventory.database import Database
from inventory.errors import RuleError
from inventory.machine_rules import RuleRecord, list_effective, rule_adapter
from inventory.machine_rules_reading import read_rules
from inventory.machine_rules_words import as_toml, asked_words
from inventory.record import canonical_record
from inventory.records import EVERYTHING, DocumentOfRecord, Scope
from tests.written_rules import put_in_force

SOP = DocumentOfRecord(
    document_id="SOP-TRF-01",
    title="Transfers",
    version=2,
    text="## 1 Floor\n\n1.1 A donor keeps 14 days.\n",
    effective_from=date(2024, 1, 1),
    added_by="mette",
    added_at=datetime(2024, 1, 1, tzinfo=UTC),
)
CLAUSES = {"1.1", "1.2"}
KINDS = {
    "order_quantity": "minimum = 12\nmultiple = 6",
    "embargo": 'from = 2024-04-01\nto = 2024-04-30\nactions = ["transfer"]\ndirection = "out"',
    "never_automatic": 'actions = ["purchase"]\nclasses = ["regulated"]',
    "donor_floor": "days = 14",
    "lane_ban": 'origin = "DC"\ndestination = "NORTH"',
    "approval_right": 'roles = ["finance"]\nabove = 10000\nactions = ["expedite"]',
    "freeze": "units = 40\nuntil = 2024-05-01",
    "substitution_consent": 'customers = ["HALDEN"]',
    "shelf_life_minimum": "share = 0.5",
    "allocation_commitment": 'units = 30\ncustomer = "HALDEN"',
    "protected_range": 'families = ["Safety shoes"]',
    "planned_delisting": 'items = ["BOLT"]\non = 2024-09-01',
    "promotion_build_up": 'items = ["BOLT"]\nfrom = 2024-04-01\nto = 2024-04-30\nunits = 5',
    "no_markdown": 'brands = ["Northlight"]',
    "priority_customer": 'customer = "HALDEN"',
}
"""The format's table, each kind with all its parameters."""


def toml(kind: str, given: str, *, rule_id: str = "R-1", clause: str = "1.1") -> str:
    return f'[[rule]]\nid = "{rule_id}"\nclause = "{clause}"\nkind = "{kind}"\n{given}\n'


def read(text: str, document: DocumentOfRecord = SOP) -> tuple[RuleRecord, ...]:
    return read_rules(text, document, CLAUSES)


def refused(text: str, document: DocumentOfRecord = SOP) -> str:
    with pytest.raises(RuleError) as caught:
        read(text, document)
    return str(caught.value)


def test_there_are_fifteen_kinds() -> None:
    assert {record.model_fields["kind"].default for record in get_args(RuleRecord)} == set(KINDS)
    assert len(KINDS) == 15


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_read_kept_and_written_again(kind: str) -> None:
    (rule,) = read(toml(kind, KINDS[kind]))
    assert (rule.kind, rule.rule_id, rule.passage_id) == (kind, "R-1", "SOP-TRF-01@v2#1.1")
    assert rule_adapter().validate_json(canonical_record(rule)) == rule
    assert read(as_toml(rule)) == (rule,)
    assert asked_words(rule).startswith(f"R-1 (SOP-TRF-01@v2#1.1) asks {kind.replace('_', ' ')}")


@pytest.mark.parametrize(
    ("kind", "given", "field", "expected"),
    [
        ("donor_floor", 'days = "14"', "days", "valid integer"),
        ("donor_floor", "days = 14.5", "days", "valid integer"),
        ("donor_floor", "days = true", "days", "valid integer"),
        ("donor_floor", "days = 0", "days", "greater than or equal to 1"),
        ("donor_floor", "days = 3\nunits = 4", "", "exactly one of days and units"),
        ("donor_floor", "", "", "exactly one of days and units"),
        ("order_quantity", "", "", "expected minimum, multiple or both"),
        ("order_quantity", "minimum = -1", "minimum", "greater than or equal to 1"),
        ("embargo", "from = 2024-05-01\nto = 2024-04-01", "", "ends on 2024-04-01, before it begins on 2024-05-01"),
        ("embargo", "from = 2024-05-01", "to", "Field required"),
        ("embargo", "from = 2024-05-01T00:00:00\nto = 2024-05-02", "from", "expected text, a number, a day"),
        ("embargo", 'from = "May"\nto = 2024-05-02', "from", "valid date"),
        ("embargo", 'from = 2024-05-01\nto = 2024-05-02\nactions = ["fly"]', "actions", "'transfer'"),
        ("embargo", 'from = 2024-05-01\nto = 2024-05-02\ndirection = "up"', "direction", "'out', 'in' or 'both'"),
        ("lane_ban", "", "", "expected origin, destination or both"),
        ("lane_ban", 'origin = "DC"\ndestination = "DC"', "", "both DC"),
        ("approval_right", "roles = []", "roles", "at least 1 item"),
        ("approval_right", 'roles = ["finance"]\nabove = 99.5', "above", "valid integer"),
        ("shelf_life_minimum", "share = 1.5", "share", "less than or equal to 1"),
        ("shelf_life_minimum", "share = inf", "share", "expected text, a number"),
        ("allocation_commitment", "units = 3", "", "exactly one of customer and channel"),
        ("protected_range", "", "", "may not be about every item"),
        ("no_markdown", 'sites = ["DC"]', "", "may not be about every item"),
        ("planned_delisting", 'items = ["A"]', "on", "Field required"),
        ("never_automatic", 'classes = ["odd"]', "classes", "'cold_chain', 'constrained'"),
        ("never_automatic", 'sites = ["DC", "DC"]', "sites", "given twice"),
        ("never_automatic", 'sites = ["D C"]', "sites", "match pattern"),
        ("never_automatic", "document_id = 'X'", "document_id", "is no field of never_automatic"),
        ("never_automatic", "effective_from = 2024-01-01", "effective_from", "is no field of never_automatic"),
        ("embargo", "first_day = 2024-01-01", "first_day", "is no field of embargo, expected actions"),
        ("donor_cover", "days = 3", "kind", "expected one of order_quantity, embargo"),
    ],
)
def test_an_error_names_document_clause_rule_field_and_what_was_expected(
    kind: str, given: str, field: str, expected: str
) -> None:
    said = refused(toml(kind, given))
    assert said.startswith("document SOP-TRF-01 v2, clause 1.1, rule R-1: ")
    assert field in said
    assert expected in said


def test_a_clause_that_is_not_there_is_refused_and_those_that_are_named() -> None:
    said = refused(toml("freeze", "", clause="9.9"))
    assert "clause 9.9, rule R-1: clause is '9.9', expected one of this document: 1.1, 1.2" in said


def test_every_problem_is_named_at_once() -> None:
    said = refused(toml("freeze", "units = 0") + toml("freeze", "until = 3", rule_id="R-2"))
    assert "rule R-1: units" in said
    assert "rule R-2: until" in said


@pytest.mark.parametrize("text", ["", "rule = 3", "[rule]\nid = 'x'", "[[rule]]\nkind = [1]", "[[other]]\n", "= ="])
def test_what_is_no_block_of_rules_is_refused(text: str) -> None:
    assert refused(text).startswith("document SOP-TRF-01 v2")


def test_an_id_is_given_once_in_a_document() -> None:
    assert "rule R-1 is given twice" in refused(toml("freeze", "") + toml("freeze", "units = 3"))


def test_a_rule_holds_where_its_document_does_unless_it_says_where() -> None:
    narrow = SOP.model_copy(
        update={
            "sites": ("EAST", "WEST"),
            "suppliers": ("SUP",),
            "item_classes": ("regulated",),
            "actions": ("transfer",),
        }
    )
    plain, said = read(toml("never_automatic", "") + toml("never_automatic", 'sites = ["WEST"]', rule_id="R-2"), narrow)
    assert (plain.sites, plain.suppliers, plain.classes) == (("EAST", "WEST"), ("SUP",), ("regulated",))
    assert [action.value for action in getattr(plain, "actions")] == ["transfer"]  # noqa: B009  # the kind has it
    assert said.sites == ("WEST",)
    beyond = refused(toml("donor_floor", 'days = 3\nsites = ["NORTH", "WEST"]'), narrow)
    assert "sites names NORTH, expected some of the document's: EAST, WEST" in beyond


def test_an_embargo_is_about_transfers_both_ways_unless_it_says_otherwise() -> None:
    (rule,) = read(toml("embargo", "from = 2024-04-01\nto = 2024-04-01"))
    told = rule.model_dump(mode="json")
    assert (told["actions"], told["direction"]) == (["transfer"], "both")


def test_rules_speak_with_their_document_and_where_the_reader_may_look(database: Database) -> None:
    text = toml("donor_floor", 'days = 10\nsites = ["EAST"]', rule_id="R-EAST") + toml("freeze", "", rule_id="R-ALL")
    first, second = SOP.model_copy(update={"version": 1}), SOP.model_copy(update={"effective_from": date(2024, 3, 1)})
    put_in_force(database, first, read(text, first))
    put_in_force(database, second, read(text.replace("10", "20"), second))

    def effective(on: date, scope: Scope = EVERYTHING) -> list[tuple[str, int]]:
        with database.read() as connection:
            return [(rule.rule_id, rule.version) for rule in list_effective(connection, scope, on)]

    assert effective(date(2023, 12, 31)) == []
    assert effective(date(2024, 2, 29)) == [("R-ALL", 1), ("R-EAST", 1)]
    assert effective(date(2024, 3, 1)) == [("R-ALL", 2), ("R-EAST", 2)]
    assert effective(date(2024, 3, 1), Scope(user="w", sites=frozenset({"WEST"}))) == [("R-ALL", 2)]
