"""Two weeks with noise: goods do not go to and fro."""

from __future__ import annotations

from pathlib import Path

from tests.thrash_days import assert_no_thrash, noisy_days


def test_in_two_noisy_weeks_goods_do_not_go_to_and_fro(tmp_path: Path) -> None:
    days = noisy_days(tmp_path / "house", seed=20, items=4)
    days.live(14)
    assert_no_thrash(days, least_moves=8)
