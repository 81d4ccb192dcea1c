"""What is measured is what is meant: one file in and out, every file its own draw, worlds of the promised shape."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.granularity import GRANULARITIES, measure
from benchmarks.rules import rules_of_all_kinds
from benchmarks.scale import kernel, read, work
from benchmarks.scale_files import rates, write_file
from benchmarks.scale_memory import watched
from benchmarks.worlds import FIFTY_SITES, network
from service.evaluation.world import RULE_KINDS

ROWS = 500


def test_a_file_in_is_a_file_out_and_doing_it_again_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "answers").mkdir()
    path = write_file(str(tmp_path), 7, ROWS)
    assert work(str(tmp_path / "answers"), path) == ROWS
    written = tmp_path / "answers" / "part-00007.parquet"
    first = written.read_bytes()
    assert work(str(tmp_path / "answers"), path) == ROWS

    ids, arrays = read(path)
    answer, kept = kernel(**arrays), pl.read_parquet(written)
    assert written.read_bytes() == first
    assert [entry.name for entry in (tmp_path / "answers").iterdir()] == ["part-00007.parquet"]
    assert kept["item_site"].equals(ids)
    np.testing.assert_array_equal(kept["first_risky_day"].to_numpy(), answer.first_risky_day)
    np.testing.assert_allclose(kept["reorder_point"].to_numpy(), answer.reorder_point, rtol=1e-6)


def test_every_file_is_its_own_draw_of_the_stated_rates(tmp_path: Path) -> None:
    one, other = (read(write_file(str(tmp_path), number, 4 * ROWS))[1]["weekly"] for number in (1, 2))

    assert not np.array_equal(one, other)
    for weekly in (one, other):
        assert abs(weekly.mean() / rates().mean() - 1.0) < 0.1


def test_the_large_network_has_fifty_sites_and_about_six_lanes_into_each(tmp_path: Path) -> None:
    tables = network(500, shape=FIFTY_SITES)
    lanes = tables["lanes"]
    into = lanes.group_by("destination").len()["len"]

    assert tables["item_sites"]["site"].n_unique() == 50
    assert 5.5 < into.mean() < 7.0  # type: ignore[operator]  # a mean of counts is a number
    assert lanes["capacity_per_day"].is_not_null().sum() == FIFTY_SITES.tight_lanes


def test_rules_of_the_bench_are_of_all_kinds_and_name_what_it_has() -> None:
    world = network(2_000, shape=FIFTY_SITES)
    rules = rules_of_all_kinds(60, 40, FIFTY_SITES.names)
    items, sites = set(world["items"]["item"].to_list()), set(world["sites"]["site"].to_list())

    assert Counter(rule.kind for rule in rules) == dict.fromkeys(RULE_KINDS, 4)
    assert len({rule.passage_id for rule in rules}) == 60
    assert all(set(rule.items) <= items and set(rule.sites) <= sites for rule in rules)


def test_every_granularity_is_judged_on_the_same_year() -> None:
    verdicts = measure(400)

    assert [verdict.granularity for verdict in verdicts] == list(GRANULARITIES)
    assert [verdict.series for verdict in verdicts] == [400, 400, 80]
    assert all(0.9 < verdict.fill_rate < 1.0 and verdict.cost > 0.0 for verdict in verdicts)
    assert verdicts[0].megabytes > verdicts[1].megabytes > verdicts[2].megabytes


def test_memory_of_this_process_is_seen_while_it_is_watched() -> None:
    with watched() as peak:
        held = np.ones(40_000_000)
        for _ in range(30):
            held += 1.0
            if peak.pss > 320.0:
                break
            np.sqrt(held, out=held)

    assert peak.pss > 320.0
    assert peak.rss >= peak.pss
    assert peak.processes >= 1
