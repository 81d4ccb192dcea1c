"""Replenish, what-if and curve at the command line: tables that add up, JSON, files, and who may ask."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from inventory.proposals import list_proposals
from inventory.records import EVERYTHING
from service.bootstrap import House
from tests.service.doors import AUDITOR, CENTRAL, MANAGER, PLANNER, Doors

WIDTH = 100
SURGE = "demand_surge factor=1.5"


def test_a_run_is_shown_with_totals_and_reasons_and_fits_the_terminal(doors: Doors) -> None:
    first = doors.knock("replenish", "--as", CENTRAL)
    assert first.exit_code == 0, first.stderr
    assert max(len(line) for line in first.stdout.splitlines()) <= WIDTH
    run = doors.answer("replenish", "--as", CENTRAL)
    assert "an open case: the sweep decides" in first.stdout
    counted = sum(run["set_aside"].values()) + run["enough"] + len(run["lines"])
    assert counted == run["item_sites"], "every item-site is ordered for, has enough, or is set aside"
    assert doors.knock("replenish", "--as", CENTRAL).stdout == first.stdout


def test_shadow_posts_nothing_and_compares_itself_later(doors: Doors, house: House) -> None:
    def proposals() -> int:
        with house.database.read() as connection:
            return len(list_proposals(connection, EVERYTHING))

    before = proposals()
    assert "nothing is posted" in doors.knock("replenish", "--shadow", "--as", CENTRAL).stdout
    house.advance(48.0)
    said = doors.knock("replenish", "--shadow", "--lines", "--as", CENTRAL).stdout
    assert "beside orders to" in said
    assert "not over yet" in said
    assert proposals() == before


def test_who_may_not_operate_may_not_replenish(doors: Doors) -> None:
    refused = doors.knock("replenish", "--as", AUDITOR)
    assert refused.exit_code == 1
    assert "may not" in refused.stderr
    assert doors.knock("replenish", "--budget", "-1", "--as", CENTRAL).exit_code == 2


def test_a_scenario_is_stored_listed_asked_and_exported(doors: Doors, tmp_path: Path) -> None:
    document, export = tmp_path / "scenarios.toml", tmp_path / "figures.csv"
    document.write_text('[late]\n[[late.changes]]\nkind = "supplier_slips"\ndays = 14\n', "utf-8")
    assert "late: version 1" in doors.knock("whatif", "--store", str(document), "--as", CENTRAL).stdout
    assert "supplier_slips days=14" in doors.knock("whatif", "--as", CENTRAL).stdout
    asked = ("whatif", "late", SURGE, "--days", "28", "--as", CENTRAL)
    shown = doors.knock(*asked, "--compare", "--out", str(export))
    assert shown.exit_code == 0, shown.stderr
    assert max(len(line) for line in shown.stdout.splitlines()) <= WIDTH
    assert "nothing is reserved or posted" in shown.stdout
    rows = list(csv.DictReader(io.StringIO(export.read_text("utf-8"))))
    answer = doors.answer(*asked)
    for figures in answer["rows"]:
        mine = [row for row in rows if row["scenario"] == figures["scenario"]]
        assert abs(sum(float(row["lost_units"]) for row in mine) - figures["lost_units"]) < 0.1
    assert {"family", "site", "month"} <= set(rows[0])
    by_site = doors.answer(*asked, "--by", "site")
    assert {row["group"] for row in by_site["rows"]} >= {"DC-EAST", "FC-WEB"}


def test_a_what_if_that_cannot_be_asked_says_why(doors: Doors) -> None:
    unknown = doors.knock("whatif", "flood", "--as", CENTRAL)
    assert unknown.exit_code == 2
    assert "no scenario 'flood'" in unknown.stderr
    assert doors.knock("whatif", "demand_surge factor=lots", "--as", CENTRAL).exit_code == 1
    assert doors.knock("whatif", SURGE, "--items", "NOTHING", "--as", CENTRAL).exit_code == 1
    limited = doors.knock("whatif", SURGE, "--as", PLANNER)
    assert limited.exit_code == 1, "figures of all sites are not for a reader of some"


def test_the_curve_prices_each_point_and_a_budget(doors: Doors) -> None:
    shown = doors.knock("curve", "--budget", "5000", "--as", CENTRAL)
    assert shown.exit_code == 0, shown.stderr
    assert max(len(line) for line in shown.stdout.splitlines()) <= WIDTH
    found = json.loads(doors.knock("curve", "--from", "0.9", "--to", "0.95", "--json", "--as", CENTRAL).stdout)
    assert [point["target"] for point in found["targets"]] == [0.9, 0.91, 0.92, 0.93, 0.94, 0.95]
    assert doors.knock("curve", "--class", "A", "--from", "0.99", "--to", "0.9", "--as", CENTRAL).exit_code == 1


def test_the_brief_says_what_kinds_the_money_is_at_risk_in(still_doors: Doors) -> None:
    brief = still_doors.answer("brief", "--as", MANAGER)
    assert sum(share["money_at_risk_minor"] for share in brief["risk_by_kind"]) == brief["money_at_risk_minor"]
    assert sum(share["cases"] for share in brief["risk_by_kind"]) == brief["open_cases"]
    said = still_doors.knock("brief", "--as", MANAGER).stdout
    assert "At risk by kind: " in said
    assert "Every item-site is in the segment it was in." in said
