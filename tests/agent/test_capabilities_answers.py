"""Figures of answers against the tables they come from, read directly."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from sqlalchemy import func, select

from inventory.cases import list_cases as open_cases
from inventory.chronicle import list_sweeps
from inventory.proposals import list_proposals
from inventory.record import load
from inventory.records import EVERYTHING, ActionKind, KpiPoint, ProposalState
from inventory.tables import kpi_points, stock_lines
from tests.capability_worlds import OTTO, answer
from tests.worlds import MONDAY, World
from tools.capabilities.answer import Answer
from tools.needs import donor_floor


def numbers(found: Answer, *names: str) -> tuple[float, ...]:
    return tuple(found.facts[name].number for name in names)


def book(world: World, item: str, site: str, column: str) -> int:
    with world.database.read() as connection:
        query = select(func.sum(stock_lines.c[column])).where(stock_lines.c.item == item, stock_lines.c.site == site)
        return int(connection.execute(query).scalar_one())


def rows(found: Answer) -> list[dict[str, Any]]:
    names = [column.name for column in found.tables[0].columns]
    return [dict(zip(names, row, strict=True)) for row in found.tables[0].rows]


def test_stock_is_what_the_ledger_holds(company: World) -> None:
    found = answer(company, "stock_position", item="NUT", site="NORTH")

    on_hand, frozen = (book(company, "NUT", "NORTH", column) for column in ("on_hand", "frozen"))
    assert numbers(found, "place_1_on_hand", "place_1_frozen") == (on_hand, frozen) == (60, 10)
    assert found.facts["place_1_free"].number == on_hand - frozen
    assert found.facts["place_1_in_transit"].number == 12
    assert found.facts["place_1_on_order"].number == 12


def test_without_a_site_all_sites_the_asker_may_see_are_compared(company: World) -> None:
    everywhere = answer(company, "stock_position", item="BOLT")
    assert [row["site"] for row in rows(everywhere)] == ["DC", "NORTH"]
    assert everywhere.facts["total_on_hand"].number == 304

    narrow = answer(company, "stock_position", OTTO, item="BOLT")
    assert [row["site"] for row in rows(narrow)] == ["NORTH"]
    assert any("may see" in note for note in narrow.notes)


def test_a_donor_gives_whole_lots_and_keeps_its_floor(company: World) -> None:
    found = answer(company, "who_can_give", item="NUT", site="NORTH")
    with company.database.read() as connection:
        outlook = company.toolbox.decided_outlook(connection, items=["NUT"])
    floor = donor_floor(outlook, outlook.arrays.row_of[("NUT", "DC")])

    give, kept = numbers(found, "donor_1_can_give", "donor_1_floor")
    assert kept == floor
    assert give == (200 - floor) // 2 * 2
    assert answer(company, "who_can_give", OTTO, item="NUT", site="NORTH").found is False


def test_the_projection_is_the_outlooks_and_its_band_holds_the_mean(company: World) -> None:
    found = answer(company, "projection", item="NUT", site="NORTH", days=14)
    with company.database.read() as connection:
        outlook = company.toolbox.decided_outlook(connection, items=["NUT"])
    row = outlook.arrays.row_of[("NUT", "NORTH")]

    days = rows(found)
    assert [date.fromisoformat(day["day"]) for day in days] == [MONDAY + timedelta(days=n) for n in range(14)]
    expected = outlook.projection.expected_on_hand[row, :14]
    assert np.allclose([day["expected"] for day in days], expected, atol=0.06)
    assert all(day["low"] <= day["high"] for day in days)
    short = answer(company, "projection", item="BOLT", site="NORTH")
    assert date.fromisoformat(str(short.facts["runs_out_on"].value)) < MONDAY + timedelta(days=7)


def test_the_forecast_of_steady_demand_is_its_mean(company: World) -> None:
    found = answer(company, "forecast", item="NUT", site="DC", weeks=5)

    assert found.facts["average"].number == pytest.approx(6, abs=0.5)
    assert found.facts["total"].number == pytest.approx(30, abs=3)
    assert len(found.tables[0].rows) == 5


def test_options_are_those_of_the_proposal_that_waits(company: World) -> None:
    found = answer(company, "options", item="BOLT", site="NORTH")
    with company.database.read() as connection:
        (waiting,) = [
            p
            for p in list_proposals(connection, EVERYTHING, states=(ProposalState.PENDING,))
            if any(line.item == "BOLT" for line in p.content.lines)
        ]

    assert found.facts["proposal"].value == waiting.proposal_id
    assert rows(found)[0]["action"] == waiting.content.action.value == "transfer"
    assert rows(found)[0]["quantity"] == sum(line.quantity for line in waiting.content.lines)


def test_options_without_a_proposal_are_solved_and_hold_where_nothing_is_short(company: World) -> None:
    found = answer(company, "options", item="NUT", site="DC")
    assert "proposal" not in found.facts
    assert rows(found)[0]["action"] == "hold"


def test_open_orders_are_the_open_lines_of_the_feeds(company: World) -> None:
    assert [row["reference"] for row in rows(answer(company, "open_orders"))] == ["OPEN-1", "MOVE-9", "OPEN-2"]
    late = answer(company, "open_orders", supplier="SUP", item="SLOW")
    assert numbers(late, "order_1_quantity", "order_1_late") == (40, 4)
    assert [row["source"] for row in rows(answer(company, "open_orders", OTTO, site="NORTH"))] == [
        "SUP",
        "another site",
    ]


def test_a_lot_that_ends_is_found_by_its_day(company: World) -> None:
    ends = (company.toolbox.snapshot().as_of.date() + timedelta(days=12)).isoformat()
    (lot,) = rows(answer(company, "expiring", site="NORTH", days=12))
    assert (lot["lot"], lot["expires"], lot["units"], lot["worth"]) == ("L-7", ends, 25, 250)
    assert answer(company, "expiring", site="NORTH", days=11).found is False


def test_frozen_units_are_those_of_the_freeze(company: World) -> None:
    (freeze,) = rows(answer(company, "frozen_stock", item="NUT"))
    assert (freeze["units"], freeze["purpose"], freeze["set_by"]) == (10, "CUST-1", "pia")


def test_excess_is_what_half_a_year_does_not_sell(company: World) -> None:
    (slow,) = [row for row in rows(answer(company, "excess", site="NORTH")) if row["item"] == "SLOW"]
    assert slow["leftover"] == pytest.approx(500 + 40 - 26, abs=4)
    assert slow["worth"] == pytest.approx(10 * slow["leftover"], abs=0.02 * slow["leftover"])


def test_an_item_a_lane_and_a_substitute_are_as_the_data_has_them(company: World) -> None:
    milk = answer(company, "item_facts", item="MILK")
    assert (milk.facts["item_class"].value, milk.facts["cost"].value) == ("cold chain", 10)
    lane = answer(company, "lane", origin="DC", destination="NORTH")
    assert numbers(lane, "way_1_transit", "way_1_per_shipment", "way_1_per_unit", "way_1_lot") == (2, 8, 0.5, 2)
    (nut,) = rows(answer(company, "substitutes", item="BOLT"))
    assert (nut["item"], nut["acceptance"], nut["consent"]) == ("NUT", 60, "the customer must agree")


def test_a_suppliers_record_counts_its_receipts(company: World) -> None:
    orders = company.toolbox.snapshot().table("purchase_orders").filter(pl.col("supplier") == "SUP")
    done = orders.filter(pl.col("received_date").is_not_null())
    on_time = done.filter(pl.col("received_date") <= pl.col("promised_date")).height / done.height

    found = answer(company, "supplier_record", supplier="SUP")
    assert found.facts["receipt_count"].number == done.height
    assert found.facts["on_time"].number == pytest.approx(100 * on_time, abs=0.01)
    assert numbers(found, "late_count", "longest_delay") == (1, 4)


def test_a_lead_time_comes_from_the_lane_where_a_site_replenishes(company: World) -> None:
    assert answer(company, "lead_time", supplier="SUP").facts["contract"].value == 21


def test_listed_cases_are_the_open_ones_by_money(company: World) -> None:
    with company.database.read() as connection:
        expected = [row.case.case_id for row in open_cases(connection, EVERYTHING)]
    assert [row["case"] for row in rows(answer(company, "list_cases"))] == expected
    kinds = {row["kind"] for row in rows(answer(company, "list_cases", kind="excess"))}
    assert kinds == {"excess"}


def test_a_sweep_is_told_in_full(company: World) -> None:
    with company.database.read() as connection:
        (sweep,) = list_sweeps(connection, EVERYTHING, limit=1)
    found = answer(company, "held_back", on=sweep.finished_at.date().isoformat())
    assert numbers(found, "found_count", "shown_count", "automatic_count", "held_count") == (
        sweep.found, sweep.shown, sweep.automatic, sweep.held_back,
    )  # fmt: skip
    assert answer(company, "held_back", on="2023-01-01").found is False


def test_a_figure_is_the_newest_a_sweep_kept(company: World) -> None:
    with company.database.read() as connection:
        query = select(kpi_points.c.body).where(kpi_points.c.name == "inventory_value", kpi_points.c.site == "NORTH")
        kept = load(KpiPoint, connection.execute(query).scalars().all()[-1]).value
    found = answer(company, "kpis", name="stock value of inventory", site="NORTH")
    assert found.facts["figure_1_value"].number == pytest.approx(kept, abs=0.01)
    assert answer(company, "kpis", name="expedite spend").found is False


def test_what_waits_is_pending_and_filtered_by_role_and_site(company: World) -> None:
    with company.database.read() as connection:
        pending = {p.proposal_id for p in list_proposals(connection, EVERYTHING, states=(ProposalState.PENDING,))}
    assert {row["proposal"] for row in rows(answer(company, "waiting_approvals", "iris"))} == pending
    assert answer(company, "waiting_approvals", role="nobody at all").found is False


def test_past_decisions_are_found_by_place_and_by_reference(company: World) -> None:
    by_place = rows(answer(company, "past_decision", item="BOLT", site="NORTH"))
    (again,) = rows(answer(company, "past_decision", reference=by_place[0]["proposal"]))
    assert again == by_place[0]
    assert again["decided"] == "nobody yet"
    assert answer(company, "past_decision", on="2023-05-03").found is False


def test_a_surge_of_demand_costs_sales_and_a_fall_saves_them(company: World) -> None:
    more = answer(company, "what_if", change="demand_surge", item="BOLT", site="NORTH", percent=50)
    less = answer(company, "what_if", change="demand_surge", item="BOLT", site="NORTH", percent=-50)

    assert more.facts["lost_then"].number > more.facts["lost_as_is"].number >= less.facts["lost_then"].number
    assert more.facts["lost_as_is"] == less.facts["lost_as_is"]
    assert "of it" not in more.text


def test_a_closed_lane_leaves_no_transfer(company: World) -> None:
    found = answer(company, "what_if", change="lane_closed", item="BOLT", origin="DC", destination="NORTH", days=5)
    actions = {row[0] for table in found.tables if table.title.startswith("Options") for row in table.rows}
    assert actions
    assert "transfer" not in actions


def test_who_may_sign_is_who_the_rights_and_limits_say(company: World) -> None:
    dear = answer(company, "who_approves", value=30_000)
    assert dear.facts["tier"].value == "formal"
    assert {row["user"] for row in rows(dear)} == {"ada", "carl"}
    assert "different people" in dear.text
    assert answer(company, "who_approves", value=10_000_000).facts["person_count"].number == 0
    cheap = answer(company, "who_approves", action="expedite", value=100, site="NORTH")
    assert cheap.facts["needed_roles"].value == "buyer"


def test_a_preview_gives_the_tier_the_policy_gives(company: World) -> None:
    asked = {"action": "transfer", "item": "NUT", "site": "NORTH", "origin": "DC"}
    dear = answer(company, "tier_preview", **asked, quantity=100)
    assert dear.facts["value"].number == pytest.approx(100 * 10 + 100 * 0.5 + 8)
    assert dear.facts["tier"].value == "planner"
    assert any("above the auto limit of 500 EUR" in row["reason"] for row in rows(dear))


def test_a_value_of_policy_is_found_by_what_people_call_it(company: World) -> None:
    assert answer(company, "policy_value", name="minimum net benefit").facts["value_1_value"].value == 25
    assert answer(company, "policy_value", name="the cool down").facts["value_1_value"].text == "7 days"
    assert {row["key"] for row in rows(answer(company, "policy_value", name="auto limit for transfers"))} == {
        "auto.transfer.consumable", "auto.transfer.standard",
    }  # fmt: skip


def test_why_not_names_the_first_rule_that_stops(company: World) -> None:
    nothing = answer(company, "why_not", item="NUT", site="DC")
    assert nothing.facts["stopped_at"].value == "a stockout is likely before a normal order arrives"
    by_hand = answer(company, "why_not", item="BOLT", site="NORTH", action="substitute")
    assert by_hand.facts["stopped_at"].value == "it may be chosen without a person"
    surplus = answer(company, "why_not", item="NUT", site="DC", action="markdown")
    assert surplus.facts["stopped_at"].value == "there is too much of it"
    done = answer(company, "why_not", item="BOLT", site="NORTH", action="transfer")
    assert "stopped_at" not in done.facts
    assert str(done.facts["proposal"].value) in done.text


def test_a_summary_counts_what_stands(company: World) -> None:
    found = answer(company, "summary", role="plant manager")
    with company.database.read() as connection:
        assert found.facts["open_count"].number == len(open_cases(connection, EVERYTHING))
        pending = list_proposals(connection, EVERYTHING, states=(ProposalState.PENDING,))
    assert found.facts["waiting_count"].number == len(pending)
    assert found.facts["role"].value == "plant leader"


def test_rules_are_quoted_with_their_clause(company: World) -> None:
    found = answer(company, "find_rules", question="What must a donor keep?")
    assert found.sources[0].text == "SOP-T@1#1.1"
    assert "at least its reorder point" in found.text


def test_a_form_names_what_orders_and_donors_hold(company: World) -> None:
    form = answer(company, "prefill_proposal", action="push_out", item="SLOW", site="NORTH").model_dump()["form"]
    assert [(line["order_id"], line["quantity"]) for line in form["lines"]] == [("OPEN-1", 40)]
    none = answer(company, "prefill_proposal", action="cancel", item="NUT", site="NORTH")
    assert none.found is False
    assert "no supplier order" in none.text
    assert ActionKind.CANCEL.value in none.text
