"""Golden scenarios are well formed, and every world passes the import gate as it stands."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from inventory.anchor import Anchor
from inventory.contract import TABLES
from inventory.database import Database
from inventory.importing.report import ImportReport
from inventory.machine_rules import rule_adapter
from inventory.snapshots import SnapshotStore
from service.evaluation.feeds import EXPORTED, START, deliver, erp_stock, frames, rule_file, weekly_demand
from service.evaluation.scenario import SCENARIOS, Scenario, ScenarioError, list_scenarios, read_scenario
from service.evaluation.world import Change, Demand, Spike, World
from service.rule_files import parse_rule_file

ALL = list_scenarios()
BY_ID = {scenario.id: scenario for scenario in ALL}
ASKED = {
    "lead_time_miss": 8, "demand": 8, "data_problem": 5, "multi_site_shortage": 6, "sop_escalation": 5,
    "ambiguous": 4, "sop_conflict": 3, "late_supplier": 2, "excess": 2, "injected_text": 2, "line_down": 1,
}  # fmt: skip
REFUSED = {"G20": 1}
"""Rows the import gate must refuse; in every other world it refuses none."""


@pytest.fixture(scope="module")
def empty_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that knows nothing yet."""
    folder = tmp_path_factory.mktemp("empty")
    database = Database(folder / "evenkeel.sqlite3", Anchor(folder / "anchor.log"))
    database.migrate()
    database.dispose()
    return folder


def imported(world: World, folder: Path, empty: Path) -> tuple[ImportReport, SnapshotStore, Database]:
    """The world's first delivery in a house of its own."""
    shutil.copytree(empty, folder)
    database = Database(folder / "evenkeel.sqlite3", Anchor(folder / "anchor.log"))
    snapshots = SnapshotStore(folder / "snapshots", database)
    report = deliver(world, folder / "feeds", database=database, snapshots=snapshots, now=START)
    return report, snapshots, database


def of(world: World, table: str) -> pl.DataFrame:
    """A table as exported today."""
    return frames(world, START - EXPORTED)[table]


def test_there_are_as_many_of_each_category_as_asked_for() -> None:
    """More is welcome; fewer is not."""
    counted = Counter(str(scenario.category) for scenario in ALL)
    assert len(ALL) >= 44
    assert {name: least for name, least in ASKED.items() if counted[name] < least} == {}


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.id)
def test_the_import_gate_takes_every_world(scenario: Scenario, tmp_path: Path, empty_house: Path) -> None:
    """Nothing is quarantined that should not be, and the snapshot holds every place of the world."""
    report, snapshots, database = imported(scenario.world, tmp_path / "house", empty_house)
    assert report.quarantined == REFUSED.get(scenario.id, 0), report.problems
    snapshot = snapshots.current()
    assert snapshot is not None
    planned = snapshot.table("item_sites").select("item", "site").sort("item", "site").rows()
    assert planned == sorted((place.item, place.site) for place in scenario.world.places)
    database.dispose()


def test_tables_and_columns_are_those_of_the_contract() -> None:
    """A misspelt column would be ignored at the gate, and the world would not be what its story says."""
    known = {table.name: {column.name for column in table.columns} for table in TABLES}
    for scenario in ALL:
        for name, frame in frames(scenario.world, START).items():
            assert set(frame.columns) <= known[name], f"{scenario.id} {name}"


def test_a_world_is_dated_from_today() -> None:
    """G01, by hand: today is 2024-04-08; the order is 30 days old and 6 days late, the last week begins on 04-01."""
    world = BY_ID["G01"].world
    (order,) = of(world, "purchase_orders").filter(pl.col("status") == "open").iter_rows(named=True)
    assert (order["ordered_date"], order["promised_date"]) == (date(2024, 3, 9), date(2024, 4, 2))
    demand = of(world, "demand").filter(pl.col("site") == "NORTH")
    assert (demand["date"].min(), demand["date"].max()) == (date(2022, 4, 11), date(2024, 4, 1))
    assert demand["quantity"].mean() == pytest.approx(20.0, abs=0.1)
    took = of(world, "purchase_orders").filter(pl.col("status") == "received")
    days = (took["received_date"] - took["ordered_date"]).dt.total_days().to_list()
    assert Counter(days) == {21: 13, 22: 5, 45: 5}


def test_what_stands_in_the_erp_and_in_the_feeds_is_the_same() -> None:
    """Lots one by one; and a feed below zero is an empty shelf."""
    assert {(row.item, row.site, row.lot): row.on_hand for row in erp_stock(BY_ID["G33"].world)} == {
        ("SERUM", "DC", "L-OLD"): 100, ("SERUM", "DC", "L-NEW"): 200, ("SERUM", "CLINIC", "L-C"): 4,
    }  # fmt: skip
    expiry = dict(of(BY_ID["G33"].world, "stock").select("lot", "expiry").iter_rows())
    assert expiry["L-OLD"] == date(2024, 4, 8) + timedelta(days=200)
    assert {(row.item, row.site): row.on_hand for row in erp_stock(BY_ID["G20"].world)}[("NUT", "NORTH")] == 0
    counted = of(BY_ID["G21"].world, "stock").filter(pl.col("site") == "NORTH")
    assert dict(counted.select("source", "on_hand").iter_rows()) == {"erp": 60, "wms": 8}


def test_rows_of_an_erp_replace_the_stock_of_the_world() -> None:
    """After a posting the next import shows what the ERP has, not the first day once more."""
    rows = [{"item": "BOLT", "site": "DC", "on_hand": 7}]
    moved = {"transfer_id": "T-9", "item": "BOLT"}
    tables = frames(BY_ID["G01"].world, START, stock=rows, transfers=[moved])
    assert tables["stock"].to_dicts() == rows
    assert tables["transfers"]["transfer_id"].to_list() == ["OLD-T0", "T-9"]


def test_weeks_follow_level_change_and_spike() -> None:
    """Oldest first; a change holds from its week on, a spike for its week, below three units nothing wobbles."""
    pattern = Demand(
        weekly=2, weeks=6, changes=(Change(weeks_ago=3, weekly=0),),
        spikes=(Spike(weeks_ago=5, quantity=9, promotion=True),),
    )  # fmt: skip
    assert weekly_demand(pattern) == (
        (6, 2, False), (5, 9, True), (4, 2, False), (3, 0, False), (2, 0, False), (1, 0, False),
    )  # fmt: skip


def test_noise_keeps_to_its_share_and_to_its_seed() -> None:
    """Uniform between 65 % and 135 % of 20: within 13 and 27, mean near 20, other seeds other weeks."""
    units = [week[1] for week in weekly_demand(Demand(weekly=20, noise=0.35, seed=16))]
    assert 13 <= min(units) < 16
    assert 24 < max(units) <= 27
    assert sum(units) / len(units) == pytest.approx(20, abs=1.2)
    assert units == [week[1] for week in weekly_demand(Demand(weekly=20, noise=0.35, seed=16))]
    assert units != [week[1] for week in weekly_demand(Demand(weekly=20, noise=0.35, seed=17))]


def test_documents_are_rule_files_and_their_rules_machine_rules() -> None:
    """Every version reads back to what it was, and each of its tables is a rule of the kind it names."""
    documents = [document for scenario in ALL for document in scenario.world.documents]
    assert {rule["kind"] for document in documents for rule in document.rules} >= {"donor_floor", "embargo"}
    for document in documents:
        read = parse_rule_file(rule_file(document), document.id)
        assert (read.id, read.version, read.effective_from, read.effective_to, read.actions) == (
            document.id, document.version, document.effective_from, document.effective_to, frozenset(document.actions),
        )  # fmt: skip
        block = re.search(r"```rules\n(.*?)```", rule_file(document), re.DOTALL)
        tables = tomllib.loads(block[1])["rule"] if block else []
        assert tables == [dict(rule) for rule in document.rules]
        for table in tables:
            whole = table | {"document_id": document.id, "version": document.version}
            rule = rule_adapter().validate_json(json.dumps(whole, default=date.isoformat))
            assert (rule.kind, rule.rule_id, rule.clause) == (table["kind"], table["id"], table["clause"])


def test_twins_differ_in_words_only() -> None:
    """Names of items and texts of documents apart, the twins' worlds, steps and expectations are equal."""
    twins = [scenario for scenario in ALL if scenario.twin]
    assert len(twins) >= ASKED["injected_text"]
    for twin in twins:
        assert _without_words(twin) == _without_words(BY_ID[twin.twin])
        assert twin.world != BY_ID[twin.twin].world


def _without_words(scenario: Scenario) -> object:
    said = scenario.model_dump(include={"world", "steps", "expect"})
    for item in said["world"]["items"]:
        item.pop("name")
    for document in said["world"]["documents"]:
        document.pop("text")
    return said


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ('tiers = ["auto"]', 'tiers = ["alone"]', "expect.proposals.0.tiers.0.*'alone'"),
        ("quantity = 100", 'quantity = "100"', "world.orders.0.quantity.*'100'"),
        ("at_least = 20", "at_least = 200", "at_most 150 is below at_least 200"),
        ("on_hand = 300", "on_hands = 300", "world.places.0.on_hands"),
        ('id = "G01"', 'id = "G02"', "id is 'G02', expected 'G01'"),
        ('{ do = "sweep" }', '{ do = "dance" }', "steps.1.*'dance'"),
        ("days = [21,", "days = [21000,", "took 21000 days"),
        ("[expect]", "[expect", "not TOML"),
        ('{ item = "BOLT", site = "NORTH", actions', '{ item = "BOLT", site = "MARS", actions', "BOLT at MARS"),
    ],
)
def test_a_broken_file_is_refused_by_name_field_and_value(was: str, becomes: str, told: str, tmp_path: Path) -> None:
    """Nothing is coerced, ignored or guessed."""
    text = (SCENARIOS / "G01.toml").read_text("utf-8")
    assert was in text
    path = tmp_path / "G01.toml"
    path.write_text(text.replace(was, becomes, 1), "utf-8")
    with pytest.raises(ScenarioError, match=f"G01.toml: .*{told}"):
        read_scenario(path)


def test_a_rule_of_a_clause_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A machine rule without its clause could never be cited."""
    path = tmp_path / "G30.toml"
    path.write_text((SCENARIOS / "G30.toml").read_text("utf-8").replace('clause = "1.2", kind', 'clause = "9.9", kind'))
    with pytest.raises(ScenarioError, match=r"'R-SAF-1' implements clause '9.9', not in \['1.1', '1.2'\]"):
        read_scenario(path)


def test_a_folder_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    """An empty folder is a mistake, and so is a twin that is not there."""
    with pytest.raises(ScenarioError, match="no scenario"):
        list_scenarios(tmp_path)
    shutil.copy(SCENARIOS / "G46.toml", tmp_path)
    with pytest.raises(ScenarioError, match="its twin 'G07' is not among"):
        list_scenarios(tmp_path)
