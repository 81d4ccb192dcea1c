"""Ninety days with noise: goods do not go to and fro, no lane budget is passed, no donor gives from its floor."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.thrash_days import assert_no_thrash, noisy_days

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1800)]


def test_in_ninety_noisy_days_goods_do_not_go_to_and_fro(tmp_path: Path) -> None:
    days = noisy_days(tmp_path / "house", seed=90)
    days.live(90)
    assert_no_thrash(days, least_moves=60)
    assert days.stopped_by_budget > 0, "no budget was ever in the way, so nothing was shown about budgets"
    assert days.reversals_refused > 0, "nobody ever wanted to undo a move, so nothing was shown about that"
