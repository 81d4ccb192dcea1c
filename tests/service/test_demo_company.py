"""The demo company keeps the data contract, its books close, and it holds what its README says is hidden in it."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from inventory.contract import TABLES, table
from service.demo import situations
from service.demo.company import AS_OF, Tables, generate
from service.demo.delays import SUPPLIERS
from service.demo.feeds import REFUSED_STOCK, write_feeds
from service.demo.history import DATA, SITE_OF_WAREHOUSE
from service.demo.network import PLANNER
from service.demo.people import PEOPLE

TODAY = AS_OF.date()
KINDS = {
    "integer": pl.Int64,
    "quantity": pl.Int64,
    "decimal": pl.Float64,
    "date": pl.Date,
    "time": pl.Datetime("us", "UTC"),
    "boolean": pl.Boolean,
}
Pair = tuple[str, str]


@pytest.fixture(scope="module")
def company() -> Tables:
    return generate()


@pytest.fixture(scope="module")
def sales() -> dict[Pair, list[int]]:
    """Weekly sales read straight from the shipped file, past the code under test."""
    with (DATA / "vn1_client40_sales.csv").open(encoding="utf-8") as lines:
        rows = list(csv.reader(lines))[1:]
    return {(f"P-{row[2]}", SITE_OF_WAREHOUSE[int(row[1])]): [int(cell) for cell in row[3:]] for row in rows}


def on_hand(company: Tables, source: str = "erp") -> dict[Pair, int]:
    totals = company["stock"].filter(pl.col("source") == source).group_by("item", "site").agg(pl.col("on_hand").sum())
    return {(item, site): units for item, site, units in totals.iter_rows()}


def pace(sales: dict[Pair, list[int]], pair: Pair, weeks: int = 8) -> float:
    """Units a day over the last weeks."""
    return sum(sales[pair][-weeks:]) / (7 * weeks)


def lead_days(company: Tables, item: str) -> int:
    return int(
        company["supplier_items"].row(by_predicate=pl.col("item") == item, named=True)["contract_lead_time_days"]
    )


def cost(company: Tables, item: str) -> float:
    return float(company["items"].row(by_predicate=pl.col("item") == item, named=True)["cost"])


def days_to_help(company: Tables, pair: Pair) -> int:
    """Days until the next open order is promised, or until one sent at the next review would come."""
    orders = company["purchase_orders"].filter(
        pl.col("item") == pair[0], pl.col("site") == pair[1], pl.col("status") == "open"
    )
    promised = [day for day in orders["promised_date"].to_list() if day >= TODAY]
    return (min(promised) - TODAY).days if promised else lead_days(company, pair[0]) + 7


def missing_units(company: Tables, sales: dict[Pair, list[int]], pair: Pair) -> float:
    return pace(sales, pair) * days_to_help(company, pair) - on_hand(company)[pair]


def check_contract(tables: Tables) -> None:
    for name, frame in tables.items():
        contract = table(name)
        assert set(frame.columns) <= {column.name for column in contract.columns}, name
        assert not frame.select(contract.key).is_duplicated().any(), name
        for column in contract.columns:
            if column.name not in frame.columns:
                assert not column.required, f"{name}.{column.name}"
                continue
            values = frame[column.name]
            assert values.dtype == KINDS.get(column.type, pl.String), f"{name}.{column.name}"
            assert not (column.required and values.has_nulls()), f"{name}.{column.name}"
            known = values.drop_nulls()
            if column.low is not None:
                assert (known >= column.low).all(), f"{name}.{column.name}"
            if column.high is not None:
                assert (known <= column.high).all(), f"{name}.{column.name}"
            if column.choices and column.type == "choice":
                assert set(known) <= set(column.choices), f"{name}.{column.name}"
            if column.refers_to:
                other, key = column.refers_to.split(".")
                assert set(known) <= set(tables[other][key]), f"{name}.{column.name}"


@pytest.mark.parametrize("seed", [40, 41])
def test_every_table_keeps_the_data_contract(seed: int) -> None:
    tables = generate(seed)
    check_contract(tables)
    assert {each.name for each in TABLES if each.required} <= set(tables)


def test_same_seed_gives_the_same_bytes(company: Tables, tmp_path: Path) -> None:
    first = write_feeds(company, tmp_path / "a")
    second = write_feeds(generate(), tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_another_seed_gives_another_company_with_the_same_demand(company: Tables) -> None:
    other = generate(41)
    assert other["demand"].equals(company["demand"])
    assert not other["stock"].equals(company["stock"])


def test_demand_is_the_real_sales_of_every_week(company: Tables, sales: dict[Pair, list[int]]) -> None:
    lists = company["demand"].sort("date").group_by("item", "site").agg("quantity")
    assert {(item, site): weeks for item, site, weeks in lists.iter_rows()} == sales
    assert company["demand"]["date"].max() == TODAY - timedelta(days=7)


def test_the_stock_book_rebuilds_the_stock_and_is_never_negative(company: Tables) -> None:
    key = ["item", "site", "lot"]
    changes = company["movements"].filter(pl.col("kind") != "count").sort("at", "movement_id")
    running = changes.with_columns(pl.col("quantity").cum_sum().over(key).alias("balance"))
    assert (running["balance"] >= 0).all()
    book = running.group_by(key).agg(pl.col("balance").last()).filter(pl.col("balance") > 0).sort(key)
    shelf = company["stock"].filter(pl.col("source") == "erp").group_by(key).agg(pl.col("on_hand").sum())
    assert book.rows() == shelf.filter(pl.col("on_hand") > 0).sort(key).rows()


def test_a_count_in_the_stock_book_agrees_with_the_balance(company: Tables) -> None:
    counts = company["movements"].filter(pl.col("kind") == "count")
    shelf = on_hand(company)
    assert counts.height >= 10
    assert all(shelf[item, site] == units for item, site, units in counts.select("item", "site", "quantity").rows())


def test_no_more_is_allocated_than_lies_there(company: Tables) -> None:
    assert (company["stock"]["allocated"] <= company["stock"]["on_hand"]).all()
    assert company["stock"]["allocated"].sum() > 0


def test_receipts_follow_their_orders_and_open_orders_have_none(company: Tables) -> None:
    received = company["purchase_orders"].filter(pl.col("status") == "received")
    still_open = company["purchase_orders"].filter(pl.col("status") == "open")
    assert (received["received_date"] > received["ordered_date"]).all()
    assert (received["received_date"] < TODAY).all()
    assert (received["received_quantity"] == received["quantity"]).all()
    assert still_open["received_date"].is_null().all()
    assert (still_open["received_quantity"] == 0).all()


def test_orders_keep_the_minimum_and_the_multiple(company: Tables) -> None:
    terms = company["supplier_items"].select("item", "minimum_order_quantity", "order_multiple")
    lines = company["purchase_orders"].join(terms, on="item")
    assert (lines["quantity"] >= lines["minimum_order_quantity"]).all()
    assert (lines["quantity"] % lines["order_multiple"] == 0).all()


def test_every_shortage_runs_out_before_help_comes_and_its_donor_can_spare_the_units(
    company: Tables, sales: dict[Pair, list[int]]
) -> None:
    shelf = on_hand(company)
    for shortage in situations.SHORTAGES:
        receiver, donor = (shortage.item, shortage.receiver), (shortage.item, shortage.donor)
        missing = missing_units(company, sales, receiver)
        needed = 1.3 * pace(sales, donor) * (lead_days(company, shortage.item) + 7)
        assert missing > 2, shortage
        assert shelf[donor] - needed > missing, shortage
    assert len(situations.SHORTAGES) >= 25


def test_shortages_come_in_the_three_sizes_of_the_approval_tiers(company: Tables, sales: dict[Pair, list[int]]) -> None:
    def values(shortages: tuple[situations.Shortage, ...]) -> list[float]:
        return [missing_units(company, sales, (s.item, s.receiver)) * cost(company, s.item) for s in shortages]

    assert max(values(situations.CONSUMABLE_SHORTAGES)) < 500
    assert sum(500 < value < 5000 for value in values(situations.PLANNER_SHORTAGES)) >= 8
    assert sum(value > 5000 for value in values(situations.FORMAL_SHORTAGES)) >= 2


def test_excess_covers_more_than_a_year(company: Tables, sales: dict[Pair, list[int]]) -> None:
    shelf = on_hand(company)
    assert len(situations.EXCESS) >= 15
    assert all(shelf[pair] > 365 * pace(sales, pair) and shelf[pair] >= 30 for pair in situations.EXCESS)


def test_imbalances_are_short_here_and_long_there(company: Tables, sales: dict[Pair, list[int]]) -> None:
    shelf = on_hand(company)
    for item, short, long in situations.IMBALANCES:
        reach = shelf[item, short] / pace(sales, (item, short))
        assert lead_days(company, item) + 7 < reach < 1.6 * (lead_days(company, item) + 7)
        assert shelf[item, long] > 180 * pace(sales, (item, long))


def test_the_late_supplier_holds_up_many_item_sites(company: Tables) -> None:
    late = company["purchase_orders"].filter(
        pl.col("supplier") == situations.LATE_SUPPLIER, pl.col("status") == "open", pl.col("promised_date") < TODAY
    )
    days = {
        (item, site): (TODAY - promised).days
        for item, site, promised in late.select("item", "site", "promised_date").rows()
    }
    assert len(situations.LATE) >= 12
    assert all(12 <= days[pair] <= 25 for pair in situations.LATE)


def test_spikes_and_drops_are_in_the_real_sales(sales: dict[Pair, list[int]]) -> None:
    def ratio(pair: Pair) -> float:
        weeks = sales[pair]
        return (sum(weeks[-4:]) / 4) / (sum(weeks[-16:-4]) / 12)

    assert all(ratio(pair) >= 2 for pair in situations.SPIKES)
    assert all(ratio(pair) <= 1 / 3 for pair in situations.DROPS)


def test_receipts_of_fir_take_eight_days_more_than_its_contract(company: Tables) -> None:
    received = company["purchase_orders"].filter(pl.col("supplier") == "SUP-FIR", pl.col("status") == "received")
    days = (received["received_date"] - received["ordered_date"]).dt.total_days()
    contract = next(terms.lead_time_days for terms in SUPPLIERS if terms.supplier == "SUP-FIR")
    mean = days.mean()
    assert isinstance(mean, float)
    assert mean == pytest.approx(contract + 8, abs=1)


def test_only_the_named_item_sites_are_counted_differently(company: Tables) -> None:
    book, count = on_hand(company), on_hand(company, "wms")
    differing = {pair for pair, units in count.items() if abs(units - book[pair]) > 0.05 * book[pair]}
    assert differing == {(item, site) for item, site, _ in situations.MISMATCHES}


def test_the_plant_misses_two_components_for_its_next_orders(company: Tables) -> None:
    need = company["production_orders"].join(company["boms"], on=["product", "site"])
    soon = need.filter(pl.col("start_date") <= TODAY + timedelta(days=14))
    units = soon.group_by("item").agg((pl.col("quantity") * pl.col("quantity_per")).sum().alias("needed"))
    shelf = on_hand(company)
    short = {item for item, needed in units.iter_rows() if shelf[item, situations.PLANT] < needed}
    assert short == {item for item, _, _ in situations.COMPONENT_DONORS}


def test_promised_units_are_there_and_classes_are_filled(company: Tables) -> None:
    shelf = on_hand(company)
    assert all(shelf[item, site] >= units for _, item, site, units in situations.COMMITMENTS)
    flags = company["items"]["flags"].value_counts()
    counted = {flag: number for flag, number in flags.iter_rows()}
    assert counted["regulated"] >= 4
    assert counted["cold_chain"] >= 3
    assert counted["customer_specific"] >= 6
    assert counted["consumable"] >= 40


def test_one_feed_is_stale_at_one_site(company: Tables) -> None:
    feeds = company["feeds"]
    newest = feeds["as_of"].max()
    stale = feeds.filter(pl.col("as_of") < newest).rows()
    feed, site, days = situations.STALE_FEED
    assert [row[:2] for row in stale] == [(feed, site)]
    book_age = company["stock"].filter(pl.col("site") == site)["as_of"].unique().to_list()
    assert book_age == [AS_OF - timedelta(days=days, minutes=30)]


def test_the_stock_file_ends_with_the_rows_to_refuse(company: Tables, tmp_path: Path) -> None:
    write_feeds(company, tmp_path)
    with (tmp_path / "stock.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == company["stock"].height + len(REFUSED_STOCK)
    negative, unknown, text, twice = rows[-4:]
    assert int(negative["on_hand"]) < 0
    assert unknown["site"] not in PLANNER
    assert text["on_hand"] == "NaN"
    key = ("item", "site", "lot", "status", "source")
    assert [twice[name] for name in key] in [[row[name] for name in key] for row in rows[:-4]]


def test_times_in_a_feed_carry_their_offset(company: Tables, tmp_path: Path) -> None:
    write_feeds(company, tmp_path, with_refused=False)
    with (tmp_path / "feeds.csv").open(encoding="utf-8") as lines:
        assert {row["as_of"] for row in csv.DictReader(lines)} == {
            "2024-04-08T05:30:00+00:00",
            "2024-04-05T05:30:00+00:00",
        }


def test_the_readme_names_every_hidden_item() -> None:
    readme = (DATA.parent / "README.md").read_text(encoding="utf-8")
    hidden = {shortage.item for shortage in situations.SHORTAGES}
    hidden |= {item for pairs in (situations.EXCESS, situations.LATE, situations.SPIKES) for item, _ in pairs}
    hidden |= {item for item, _ in situations.DROPS} | {item for item, _, _ in situations.IMBALANCES}
    hidden |= {item for items in situations.FLAGS.values() for item in items}
    hidden |= {item for _, item, _, _ in situations.COMMITMENTS} | {item for item, _, _ in situations.MISMATCHES}
    words = set(readme.replace(",", " ").replace(":", " ").replace("(", " ").split())
    assert hidden <= words


def test_the_sources_are_cited_beside_the_data() -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    assert "Vandeput, N. (2024)" in text
    assert "DOI 10.5281/zenodo.23265103" in text
    assert "CC BY 4.0" in text


def test_every_site_has_one_planner_among_the_people(company: Tables) -> None:
    people = {person.user: person for person in PEOPLE}
    for site in company["sites"]["site"]:
        planners = [p.user for p in PEOPLE if "planner" in p.roles and site in (p.sites or ())]
        assert planners == [PLANNER[site]]
    named = company["item_sites"].select("planner", "planner_deputy", "buyer").unpivot()["value"].unique()
    assert set(named) <= set(people)
    assert people["erin.approver"].value_limit_minor == 5_000_000


def test_a_clock_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="as_of must carry an offset"):
        generate(as_of=AS_OF.replace(tzinfo=None))
