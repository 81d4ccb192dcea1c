"""The VN2 game by its rules, on a tiny chain of five series: timing, costs, and no look ahead."""

import csv
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from benchmarks.vn2 import Verdict, judge, main, play_future
from benchmarks.vn2_game import Game, Played, Position, play_week, play_window, read_game
from benchmarks.vn2_policies import evenkeel
from optimizer.arguments import FloatArray
from optimizer.replenishment.boosting import BoostingSettings
from optimizer.replenishment.outlook import OutlookSettings

PAIRS = [(0, 10), (0, 11), (1, 10), (2, 12), (2, 13)]
WEEKS = 84
FIRST = date(2022, 9, 5)


def monday(week: int) -> str:
    return (FIRST + timedelta(weeks=week)).isoformat()


def write(path: Path, head: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with `data` (84 weeks) and `future` (8 weekly files)."""
    folder = tmp_path_factory.mktemp("vn2")
    data, future = folder / "data", folder / "future"
    data.mkdir()
    future.mkdir()
    sold = np.random.default_rng(7).poisson(np.array([[0.4], [1.0], [3.0], [6.0], [20.0]]), (5, WEEKS + 8))
    weeks = [monday(w) for w in range(WEEKS)]
    keys: list[list[object]] = [[store, product] for store, product in PAIRS]
    flags = np.ones((5, WEEKS), dtype=int)
    flags[1, :30] = flags[3, 50] = 0
    counted = sold[:, :WEEKS] * flags
    rows = [[*key, *line] for key, line in zip(keys, counted.tolist(), strict=True)]
    write(data / "sales_weekly.csv", ["store", "product", *weeks], rows)
    rows = [[*key, *line] for key, line in zip(keys, flags.tolist(), strict=True)]
    write(data / "in_stock_weekly.csv", ["store", "product", *weeks], rows)
    stock = [[*key, monday(WEEKS), 4, 0, 3] for key in keys]
    head = ["store", "product", "as_of", "on_hand", "in_transit_w1", "in_transit_w2"]
    write(data / "stock_snapshot.csv", head, stock)
    products = [[10, 401, 40, 4, 1], [11, 401, 40, 4, 1], [12, 502, 50, 5, 1], [13, 503, 50, 5, 1]]
    names = ["product", "product_group", "division", "department", "department_group"]
    write(data / "products.csv", names, [list(line) for line in products])
    for n in range(1, 9):
        columns = [monday(w) for w in range(WEEKS, WEEKS + n)]
        # The other way round, as a referee's file may be sorted differently.
        future_rows = [[*key, *line] for key, line in zip(keys, sold[:, WEEKS : WEEKS + n].tolist(), strict=True)][::-1]
        write(future / f"Week {n} - {columns[-1]} - Sales.csv", ["Store", "Product", *columns], future_rows)
    return folder


def orders(folder: Path, number: int) -> list[list[str]]:
    with (folder / f"round_{number}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def copied(future: Path, to: Path, *, until: int, spoiled: bool) -> Path:
    """The weekly files with weeks after `until` left out, or filled with nonsense."""
    to.mkdir()
    for path in sorted(future.iterdir()):
        week = int(path.name.split()[1])
        text = path.read_text(encoding="utf-8")
        if week <= until:
            (to / path.name).write_text(text, encoding="utf-8")
        elif spoiled:
            lines = text.splitlines()
            nonsense = [",".join([*line.split(",")[:2], *("999" for _ in line.split(",")[2:])]) for line in lines[1:]]
            (to / path.name).write_text("\n".join([lines[0], *nonsense]) + "\n", encoding="utf-8")
    return to


def test_an_order_is_sold_from_three_weeks_after_the_week_it_follows() -> None:
    one = np.ones(1)
    position = Position(0.0 * one, 0.0 * one, 0.0 * one)
    on_shelf = []
    for order in (5.0, 0.0, 0.0, 0.0):
        on_shelf.append(float(position.on_hand[0] + position.arriving[0]))
        position, _, _ = play_week(position, 0.0 * one, order * one)
    # Ordered before week 1, that is after week 0: on the shelf in week 3.
    assert on_shelf == [0.0, 0.0, 5.0, 5.0]


def test_a_week_costs_a_fifth_per_unit_left_and_one_per_unit_lost() -> None:
    position = Position(np.array([3.0, 1.0, 4.0]), np.array([2.0, 0.0, 0.0]), np.zeros(3))
    after, held, lost = play_week(position, np.array([1.0, 4.0, np.nan]), np.ones(3))
    np.testing.assert_allclose(held, [0.8, 0.0, 0.0])
    np.testing.assert_allclose(lost, [0.0, 3.0, 0.0])
    # A week out of stock neither sells nor costs.
    np.testing.assert_array_equal(after.on_hand, [4.0, 0.0, 4.0])


def test_a_window_shows_a_policy_only_the_past_and_scores_weeks_three_to_eight(chain: Path) -> None:
    game, seen = read_game(chain / "data"), []

    def nothing(visible: FloatArray, position: Position) -> FloatArray:
        seen.append(visible.shape[1])
        return np.zeros(5)

    played = play_window(game, 5, nothing)
    assert seen == list(range(WEEKS - 8 - 12, WEEKS))
    # Without orders the warm-up has emptied the shelves: every unit of the last six weeks is lost.
    assert played.shortage.sum() == np.nansum(game.demand[:, -6:])


def test_the_future_game_writes_six_rounds_for_a_referee(chain: Path, tmp_path: Path) -> None:
    out = tmp_path / "orders"
    given = ["--data", str(chain / "data"), "--future", str(chain / "future"), "--orders-out", str(out)]
    assert main(given) == 0
    assert sorted(p.name for p in out.iterdir()) == [f"round_{n}.csv" for n in range(1, 7)]
    head, *rows = orders(out, 3)
    assert head == ["Store", "Product", "quantity"]
    assert [(int(r[0]), int(r[1])) for r in rows] == PAIRS
    assert all(int(r[2]) >= 0 for r in rows)
    assert sum(int(r[2]) for n in range(1, 7) for r in orders(out, n)[1:]) > 0


@pytest.mark.parametrize("spoiled", [True, False])
def test_a_round_depends_on_no_week_that_is_not_over(chain: Path, tmp_path: Path, spoiled: bool) -> None:
    game = read_game(chain / "data")
    quick = OutlookSettings(trees=BoostingSettings(trees=10))
    honest, blinded = (evenkeel(game, refit_every=1, settings=quick) for _ in range(2))
    play_future(game, chain / "future", tmp_path / "honest", honest)
    known = copied(chain / "future", tmp_path / "known", until=2, spoiled=spoiled)
    play_future(game, known, tmp_path / "spoiled", blinded)
    for number in (1, 2, 3):
        assert orders(tmp_path / "honest", number) == orders(tmp_path / "spoiled", number)
    if spoiled:
        assert orders(tmp_path / "honest", 4) != orders(tmp_path / "spoiled", 4)
    else:
        assert not (tmp_path / "spoiled" / "round_4.csv").exists()


def test_a_weekly_file_of_another_week_is_refused(chain: Path, tmp_path: Path) -> None:
    future = copied(chain / "future", tmp_path / "wrong", until=1, spoiled=False)
    only = next(future.iterdir())
    only.rename(future / "Week 1 - 2030-01-07 - Sales.csv")
    with pytest.raises(ValueError, match="week 1 must start on"):
        play_future(read_game(chain / "data"), future, tmp_path / "out")


def test_a_verdict_compares_with_the_cheapest_baseline() -> None:
    def windows(cost: float) -> list[Played]:
        return [Played(np.full((20, 6), cost), np.zeros((20, 6))) for _ in range(6)]

    found = judge({"Evenkeel": windows(0.8), "dear": windows(3.0), "cheap": windows(1.0)})
    assert isinstance(found, Verdict)
    assert (found.baseline, found.windows_won, found.met) == ("cheap", 6, True)
    assert (found.saving, found.low, found.high) == pytest.approx((0.2, 0.2, 0.2))


def test_half_a_promise_is_not_kept() -> None:
    verdict = Verdict("x", saving=0.2, low=0.1, high=0.3, held_out_saving=0.1, windows_won=3)
    assert not verdict.met


def test_the_data_folder_must_list_the_same_pairs_everywhere(chain: Path, tmp_path: Path) -> None:
    for path in (chain / "data").iterdir():
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    lines = (tmp_path / "stock_snapshot.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "stock_snapshot.csv").write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="same store-product pairs"):
        read_game(tmp_path)


def test_unlisted_weeks_are_missing_not_zero(chain: Path) -> None:
    game: Game = read_game(chain / "data")
    assert np.isnan(game.demand[1, :30]).all()
    assert np.isnan(game.demand[3, 50])
    assert np.isfinite(game.demand[0]).all()
