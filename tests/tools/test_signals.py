"""What histories and shelves say, row by row: told from noise, and the same in whatever part a row stands."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tools.detect_pictures import Row, arrays_of, picture, steady, thresholds
from tools.signals import Bias, Change, Shelf, Signals, Silence

RISEN = [*steady(10, 98), 30, 28, 31, 29, 30, 30]
SILENT = [*steady(10, 98), *([0] * 6)]
ROWS = (
    Row("GHOST", "NORTH", SILENT, 30),
    Row("GHOST", "SOUTH", steady(10), 60),
    Row("MILK", "NORTH", steady(10), 80, expires_in=9),
    Row("RISEN", "NORTH", RISEN, 90),
    Row("SOUND", "NORTH", steady(10), 60),
    Row("YOUNG", "NORTH", steady(10, 20), 60),
)


@pytest.fixture(scope="module")
def signals() -> Signals:
    snapshot = picture(*ROWS)
    arrays = arrays_of(snapshot)
    return Signals.of(arrays, thresholds(), shelf=Shelf.of(snapshot, arrays))


def test_a_rise_is_dated_and_measured_on_both_sides(signals: Signals) -> None:
    change = signals.change

    assert change.alarmed.tolist() == [True, False, False, True, False, False], "a silence is a fall"
    assert (int(change.direction[3]), change.before[3]) == (1, pytest.approx(10, abs=1))
    assert change.after[3] == pytest.approx(30, abs=3)
    assert 5 <= change.weeks_since[3] <= 7


def test_a_record_too_short_to_judge_is_said_to_be_unjudged(signals: Signals) -> None:
    assert signals.change.judged.tolist()[4:] == [True, False]


def test_a_silence_has_its_chance_and_what_the_other_sites_do(signals: Signals) -> None:
    silence = signals.silence

    assert silence.weeks.tolist() == [6, 0, 0, 0, 0, 0]
    assert silence.probability[0] < 1e-10
    assert np.all(silence.probability[1:] == 1.0)
    assert silence.others_sell[0]


def test_one_week_without_a_sale_never_proves_anything() -> None:
    """A hundred weeks with a sale each, then three without: the chance is not zero, as counting alone would have it."""
    arrays = arrays_of(picture(Row("A", "NORTH", [*steady(10, 101), 0, 0, 0], 9)))
    assert Silence.of(arrays).probability[0] == pytest.approx((1.0 / 103.0) ** 3)


def test_when_an_item_dies_everywhere_no_other_site_sells_it() -> None:
    arrays = arrays_of(picture(Row("A", "NORTH", SILENT, 9), Row("A", "SOUTH", SILENT, 9)))
    assert not Silence.of(arrays).others_sell.any()


def test_lots_are_told_with_their_row_and_days_left(signals: Signals) -> None:
    shelf = signals.shelf
    assert (shelf.row.tolist(), shelf.units.tolist(), shelf.expiry_day.tolist()) == ([2], [80.0], [9])
    assert shelf.end_day.tolist() == [-1] * len(ROWS)


def test_the_stronger_the_bias_the_larger_its_signal() -> None:
    """Dividing by the mean absolute error alone, the signal of 26 errors could never pass 4.1, whatever the bias."""
    generator = np.random.Generator(np.random.PCG64(1))
    history = generator.poisson(20.0, (1, 26)).astype(np.float32)
    signals = [
        abs(float(Bias.of(history, 26, np.full((1, 26), 20.0 * factor)).tracking[0])) for factor in (1.2, 1.5, 2.0)
    ]

    assert signals == sorted(signals)
    assert signals[1] > 4.5


def test_without_bias_the_signal_has_unit_spread() -> None:
    generator = np.random.Generator(np.random.PCG64(2))
    history = generator.poisson(20.0, (4000, 26)).astype(np.float32)
    tracking = Bias.of(history, 26, np.full((4000, 26), 20.0)).tracking

    assert abs(tracking.mean()) < 4.0 / np.sqrt(4000)
    assert tracking.std() == pytest.approx(1.0, abs=0.07)


def test_changes_in_unchanging_demand_are_as_rare_as_stated() -> None:
    """0.05 a year and row, seen for eight weeks: at most 31 of 4,000; the screen may only take some away."""
    generator = np.random.Generator(np.random.PCG64(3))
    history = generator.poisson(8.0, (4000, 104)).astype(np.float32)
    expected = 4000 * 0.05 * 8 / 52

    assert Change.of(history, thresholds()).alarmed.sum() <= expected + 3 * np.sqrt(expected)


def test_a_part_of_the_network_says_what_the_whole_says(signals: Signals) -> None:
    for item in ("GHOST", "RISEN", "YOUNG"):
        arrays = arrays_of(picture(*(row for row in ROWS if row.item == item)))
        part = Signals.of(arrays, thresholds())
        rows = [number for number, row in enumerate(ROWS) if row.item == item]

        assert np.array_equal(part.change.after, signals.change.after[rows])
        assert np.array_equal(part.bias.tracking, signals.bias.tracking[rows])
        assert np.array_equal(part.silence.probability, signals.silence.probability[rows])
