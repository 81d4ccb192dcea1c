"""Thresholds are data: read with care, overridden where they say, refused by name."""

from __future__ import annotations

import pytest

from tools.errors import ToolInputError
from tools.thresholds import SECTIONS, packaged_thresholds, parse_thresholds


def test_the_packaged_thresholds_are_whole() -> None:
    thresholds = parse_thresholds(packaged_thresholds())

    assert set(thresholds.values) == set(SECTIONS)
    assert thresholds.value("projected_stockout", "probability") == 0.5
    assert thresholds.value("projected_stockout", "probability", site="ST-HARBOUR") == 0.4


def test_the_last_override_that_covers_the_place_wins() -> None:
    text = packaged_thresholds() + "".join(
        f'\n[overrides."{name}"]\nkind = "excess"\n{where}\nleftover_share = {value}\n'
        for name, where, value in (
            ("site", 'site = "NORTH"', 0.6),
            ("class", 'item_class = "regulated"', 0.7),
            ("both", 'site = "NORTH"\nitem_class = "regulated"', 0.8),
        )
    )
    thresholds = parse_thresholds(text)
    asked = [("NORTH", "regulated"), ("NORTH", "standard"), ("SOUTH", "regulated"), ("SOUTH", "standard")]

    assert [
        thresholds.value("excess", "leftover_share", site=site, item_class=item_class) for site, item_class in asked
    ] == [0.8, 0.6, 0.7, 0.5]
    assert thresholds.value("excess", "minimum_money", site="NORTH") == 400, "an override changes what it names"


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("[excess]", "[excess", "not TOML"),
        ("[excess]", "[surplus]", "unknown section 'surplus'"),
        ("leftover_share = 0.5", "leftover_shares = 0.5", r"\[excess\] lacks 'leftover_share'"),
        ("leftover_share = 0.5", "leftover_share = 0.5\nmore = 1", r"\[excess\] has unknown 'more'"),
        ("leftover_share = 0.5", "leftover_share = -0.5", "expected a number of at least 0"),
        ("leftover_share = 0.5", 'leftover_share = "half"', "expected a number of at least 0"),
        ("leftover_share = 0.5", "leftover_share = true", "expected a number of at least 0"),
        ("version = 1", "version = 0", "version"),
        ('kind = "projected_stockout"', 'kind = "stockouts"', "names kind 'stockouts'"),
        ("probability = 0.4", "likelihood = 0.4", "unknown 'likelihood'"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(old: str, new: str, match: str) -> None:
    text = packaged_thresholds().replace(old, new)
    assert text != packaged_thresholds()
    with pytest.raises(ToolInputError, match=match):
        parse_thresholds(text)
