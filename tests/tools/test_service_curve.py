"""The cost-service curve of a class, the best service for a sum, and the choices nothing beats."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import World
from tools.errors import ToolInputError
from tools.service_curve import Choice, ServiceCurve, service_curve, undominated
from tools.stock_rows import NetworkStock, decided_stock


@pytest.fixture(scope="module")
def stock(troubled: World) -> NetworkStock:
    return decided_stock(troubled.toolbox)


def curve_of(world: World, stock: NetworkStock, name: str = "", **more: Any) -> ServiceCurve:
    with world.database.read() as connection:
        return service_curve(connection, world.toolbox.snapshot(), stock, name, **more)


def test_more_service_costs_more_and_each_point_more_than_the_last(troubled: World, stock: NetworkStock) -> None:
    found = curve_of(troubled, stock, first=0.9, last=0.99)
    assert [point.target for point in found.targets] == pytest.approx(np.arange(0.9, 0.991, 0.01))
    assert (np.diff([point.fill_rate for point in found.targets]) > 0).all()
    steps = [point.more_per_year for point in found.targets[1:]]
    assert min(steps) > 0
    assert steps == sorted(steps)
    assert found.targets[-1].carrying_per_year == pytest.approx(
        found.targets[0].carrying_per_year + sum(steps), abs=0.1
    )


def test_the_same_money_spread_serves_no_less(troubled: World, stock: NetworkStock) -> None:
    for point in curve_of(troubled, stock).targets:
        assert point.spread_fill_rate >= point.fill_rate - 1e-9


def test_more_money_buys_more_service(troubled: World, stock: NetworkStock) -> None:
    bought = [curve_of(troubled, stock, budget=money).budget for money in (500.0, 1500.0, 4000.0)]
    rates = [point.fill_rate for point in bought if point is not None]
    assert len(rates) == 3
    assert rates == sorted(rates)
    assert rates[0] < rates[2]


def test_classes_part_the_network(troubled: World, stock: NetworkStock) -> None:
    sizes: dict[str, int] = {}
    for name in ("A", "B", "C"):
        with suppress(ToolInputError):
            sizes[name] = curve_of(troubled, stock, name).item_sites
    assert sum(sizes.values()) == curve_of(troubled, stock).item_sites


@pytest.mark.parametrize("words", [{"name": "D"}, {"first": 0.99, "last": 0.95}, {"first": 0.2}, {"last": 1.0}])
def test_questions_without_meaning_are_refused(
    troubled: World, stock: NetworkStock, words: dict[str, str | float]
) -> None:
    with pytest.raises(ToolInputError):
        curve_of(troubled, stock, **words)  # type: ignore[arg-type]  # wrong on purpose


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=9))
def test_what_is_kept_is_exactly_what_no_other_choice_beats(points: list[tuple[int, int, int]]) -> None:
    choices = [
        Choice(name=f"c{at}", carrying_per_year=cost, fill_rate=served / 10, capital=capital)
        for at, (cost, served, capital) in enumerate(points)
    ]
    kept = {(one.carrying_per_year, round(one.fill_rate * 10), one.capital) for one in undominated(choices)}
    beaten = {
        a for a in points for b in points
        if b != a and b[0] <= a[0] and b[1] >= a[1] and b[2] <= a[2]
    }  # fmt: skip
    assert kept == set(points) - beaten
    assert len(undominated(choices)) == len(kept)
