"""What-ifs: said in words, played on the same draws, adding up however they are cut, and writing nothing."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from inventory.records import ScenarioKind, StoredScenario
from optimizer.simulation.scenarios import AS_IT_IS
from tests.tools.networks import add_rows, amended, order, replenished_by, sells, set_column
from tests.worlds import MONDAY, WEEKS, ItemSite, Lane, Network, World
from tools.errors import ToolInputError
from tools.scenario_texts import event_scenarios, scenario_of_text, scenarios_of_toml
from tools.whatif import GROUPS, SUMS, WhatIf, what_if

ADDING = [name for name in SUMS if name not in ("served", "stock_value_days")]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """NUT goes from DC to a store, BELT is bought by both sites."""
    network = Network(
        item_sites=(
            ItemSite("BELT", "DC", weekly=10, on_hand=60),
            ItemSite("BELT", "NORTH", weekly=12, on_hand=60, history=(4, 20) * (WEEKS // 2)),
            ItemSite("NUT", "DC", weekly=5, on_hand=200),
            ItemSite("NUT", "NORTH", weekly=20, on_hand=40, history=(5, 35) * (WEEKS // 2)),
        ),
        lanes=(Lane("DC", "NORTH"),),
    )
    event = {
        "event_id": "EV-1",
        "kind": "Shutdown",
        "site": "NORTH",
        "start_date": MONDAY,
        "end_date": MONDAY.replace(day=14),
    }
    over = {**event, "event_id": "EV-0", "end_date": MONDAY.replace(day=1), "start_date": MONDAY.replace(day=1)}
    other = {**event, "event_id": "EV-2", "kind": "election"}
    families = pl.when(pl.col("item") == "NUT").then(pl.lit("metal")).otherwise(pl.lit("rubber")).alias("family")
    return World(
        tmp_path_factory.mktemp("whatif") / "home",
        amended(
            network, replenished_by("DC", item="NUT", site="NORTH"), set_column("items", families),
            add_rows("events", event, over, other),
        ),
    ).furnish()  # fmt: skip


def asked(world: World, *texts: str, days: int = 56) -> WhatIf:
    return what_if(world.toolbox, [scenario_of_text(text) for text in texts], days=days)


def totals(found: WhatIf) -> dict[str, dict[str, float]]:
    return {str(row.pop("scenario")): row for row in found.figures().to_dicts()}


def test_a_surge_loses_sales_and_a_scenario_that_changes_nothing_changes_no_figure(world: World) -> None:
    found = asked(world, "demand_surge factor=1.6", "service_target_changed service_target=0.95")
    by = totals(found)
    as_it_is, surge = by[AS_IT_IS], by[found.scenarios[1]]
    assert surge["lost_units"] > as_it_is["lost_units"]
    assert surge["fill_rate"] < as_it_is["fill_rate"]
    assert by[found.scenarios[2]] == as_it_is, "the target that is in force"


def test_what_hurts_supply_hurts_service(world: World) -> None:
    by = totals(
        asked(
            world, "supplier_slips supplier=SUP days=21 end_day=56",
            "lane_closed origin=DC destination=NORTH end_day=56", "site_shutdown site=NORTH end_day=14",
            "part_deliveries share=0.3 days=28 end_day=56",
        )
    )  # fmt: skip
    plain = by.pop(AS_IT_IS)
    assert all(figures["lost_units"] > plain["lost_units"] for figures in by.values())


def test_a_higher_service_target_holds_more_stock_and_loses_less(world: World) -> None:
    by = totals(
        asked(
            world, "service_target_changed service_target=0.999", "service_target_changed service_target=0.6", days=120
        )
    )
    plain, high, low = by.values()
    assert low["stock_value"] < plain["stock_value"] < high["stock_value"]
    assert low["lost_units"] >= plain["lost_units"] >= high["lost_units"]


def test_figures_add_up_however_they_are_cut(world: World) -> None:
    found = asked(world, "demand_surge factor=1.4")
    total = found.figures()
    for groups in ((), ("family",), ("site",), ("month",), GROUPS):
        cut = found.figures(groups).group_by("scenario", maintain_order=True).agg(pl.col(*ADDING).sum())
        for name in ADDING:
            assert cut[name].to_list() == pytest.approx(total[name].to_list(), rel=1e-9), (groups, name)
    assert set(found.figures(("family",))["family"]) == {"metal", "rubber"}
    assert found.figures(("month",))["month"].unique().sort().to_list() == ["2024-04", "2024-05", "2024-06"]


def test_the_value_in_stock_is_the_mean_of_its_days(world: World) -> None:
    found = asked(world, "demand_surge factor=1.4")
    days = found.frame.select("month", "month_days").unique()
    by_month = found.figures(("month",)).join(days, on="month")
    lengths = by_month["month_days"].to_numpy()
    mean = float((by_month["stock_value"].to_numpy() * lengths).sum() / lengths.sum())
    assert mean == pytest.approx(found.figures()["stock_value"].mean(), rel=1e-9)


def test_one_item_asked_alone_and_asked_among_others_starts_from_the_same_stock(world: World) -> None:
    alone = what_if(world.toolbox, [], days=14, items={"NUT"})
    assert (alone.items, alone.sites, alone.scenarios) == (1, 2, (AS_IT_IS,))
    family = what_if(world.toolbox, [], days=14, families=("metal",))
    assert family.figures().equals(alone.figures())


def test_the_same_question_has_the_same_answer_and_writes_nothing(world: World) -> None:
    def written() -> str:
        world.database.dispose()
        return hashlib.sha256((world.folder / "evenkeel.sqlite3").read_bytes()).hexdigest()

    before = written()
    first, again = asked(world, "demand_surge factor=1.4"), asked(world, "demand_surge factor=1.4")
    assert first.frame.sort(pl.all()).equals(again.frame.sort(pl.all()))
    assert written() == before


def test_events_that_are_not_over_can_be_asked(world: World) -> None:
    known = event_scenarios(world.toolbox.snapshot())
    assert list(known) == ["event:EV-1"]
    (change,) = known["event:EV-1"].changes
    assert (change.kind, change.site, change.first_day, change.end_day) == (ScenarioKind.SITE_SHUTDOWN, "NORTH", 0, 7)
    by = totals(what_if(world.toolbox, list(known.values()), days=28))
    assert by["event:EV-1"]["lost_units"] > by[AS_IT_IS]["lost_units"]


def test_an_event_of_one_supplier_delays_what_that_supplier_delivers_and_nothing_else(tmp_path: Path) -> None:
    """OTHER delivers GEAR everywhere and MIX to NORTH; SUP delivers the rest; MOVED goes from DC to NORTH."""
    event = {"event_id": "EV-9", "kind": "disruption", "supplier": "OTHER", "start_date": MONDAY,
             "end_date": MONDAY + timedelta(days=27)}  # fmt: skip
    items = ("BELT", "GEAR", "MIX", "MOVED")
    network = Network(
        item_sites=tuple(ItemSite(item, site, weekly=14, on_hand=50) for item in items for site in ("DC", "NORTH")),
        lanes=(Lane("DC", "NORTH"),),
    )
    named = amended(
        network, sells("OTHER", "GEAR"), sells("OTHER", "MIX", price=99.0), sells("OTHER", "MOVED"),
        replenished_by("OTHER", item="GEAR"), replenished_by("OTHER", item="MIX", site="NORTH"),
        replenished_by("DC", item="MOVED", site="NORTH"), set_column("items", pl.col("item").alias("family")),
        order("PO-1", "GEAR", "NORTH", 60, supplier="OTHER", ordered_ago=10, promised_in=5),
        order("PO-2", "BELT", "NORTH", 60, ordered_ago=10, promised_in=5), add_rows("events", event),
    )  # fmt: skip
    world = World(tmp_path / "home", named).furnish()
    (scenario,) = event_scenarios(world.toolbox.snapshot()).values()
    assert (scenario.changes[0].supplier, scenario.changes[0].days) == ("OTHER", 28)
    found = what_if(world.toolbox, [scenario], days=56).figures(["family", "site"])
    lost = {(name, item, site): units for name, item, site, units in
            found.select("scenario", "family", "site", "lost_units").iter_rows()}  # fmt: skip
    worse = {
        (item, site)
        for item in items
        for site in ("DC", "NORTH")
        if lost[("event:EV-9", item, site)] != lost[(AS_IT_IS, item, site)]
    }

    assert worse == {("GEAR", "DC"), ("GEAR", "NORTH"), ("MIX", "NORTH")}
    assert all(lost[("event:EV-9", *place)] > lost[(AS_IT_IS, *place)] + 5.0 for place in worse)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("supplier_slips supplier=NOBODY days=3", "unknown supplier 'NOBODY'"),
        ("demand_surge factor=2 site=MOON", "unknown site 'MOON'"),
        ("demand_surge factor=2 items=NUT,GOLD", "unknown item 'GOLD'"),
        ("demand_surge factor=2 families=paper", "unknown family 'paper'"),
        ("lane_closed origin=NORTH destination=DC", "no site is fed from 'NORTH' to 'DC'; known: DC to NORTH"),
        ("demand_surge factor=2 first_day=300 end_day=301", "after the last day played"),
    ],
)
def test_a_name_the_network_does_not_know_is_named(world: World, text: str, said: str) -> None:
    with pytest.raises(ToolInputError, match=said):
        asked(world, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("earthquake days=3", "known kinds: supplier_slips"),
        ("supplier_slips supplier=SUP", "needs days"),
        ("lane_closed origin=DC", "needs origin and destination"),
        ("demand_surge factor=many", "factor"),
        ("demand_surge factor", "expected key=value"),
        ("demand_surge factor=2 end_day=0", "end_day"),
        ("demand_surge factor=2 first_day=9 end_day=9", "must come after"),
        ("demand_surge factor=2 colour=red", "colour"),
        ("service_target_changed service_target=1.0", "service_target"),
    ],
)
def test_words_that_mean_nothing_are_named(text: str, said: str) -> None:
    with pytest.raises(ToolInputError, match=said):
        scenario_of_text(text)


def test_a_document_and_words_give_the_same_scenario() -> None:
    text = """
        [larch]
        note = "what the port says"
        [[larch.changes]]
        kind = "supplier_slips"
        supplier = "SUP-LARCH"
        days = 14
        [[larch.changes]]
        kind = "demand_surge"
        factor = 1.5
        items = ["A", "B"]
    """
    (stored,) = scenarios_of_toml(text)
    said = scenario_of_text("supplier_slips supplier=SUP-LARCH days=14 + demand_surge factor=1.5 items=A,B", "larch")
    assert stored == said.model_copy(update={"note": "what the port says"})
    assert StoredScenario.model_validate_json(stored.model_dump_json()) == stored
    for wrong in ("", "larch = 3", "[larch]\nnote = 'x'", "[larch"):
        with pytest.raises(ToolInputError):
            scenarios_of_toml(wrong)


def test_two_scenarios_of_one_name_are_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(ToolInputError, match="a name of its own"):
        asked(world, "demand_surge factor=2", "demand_surge factor=2")
