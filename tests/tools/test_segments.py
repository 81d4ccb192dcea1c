"""Segments over the network: the same for any partition, steady from day to day, and kept with their changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inventory.records import EVERYTHING, Scope
from inventory.segments import count_segment_changes, list_segment_changes, segment_frame
from tests.tools.conftest import Copy
from tests.tools.networks import look
from tests.worlds import World
from tools.rows import take_rows
from tools.segments import Segmented, SegmentFacts, keep_segments, segment, segment_network
from tools.stocking_policy import SegmentCuts, packaged_stocking_policy, parse_stocking_policy

POLICY = parse_stocking_policy(packaged_stocking_policy())
CUTS: SegmentCuts = POLICY.segments


@pytest.fixture(scope="module")
def facts(troubled: World) -> SegmentFacts:
    """Measures of the network with one of each trouble."""
    outlook, _ = look(troubled)
    return SegmentFacts.of(outlook)


def fresh(facts: SegmentFacts) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.full(len(facts.items), -1, dtype=np.int64)


def endless(facts: SegmentFacts) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.full(len(facts.items), np.inf)


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_any_partition_gives_the_same_segments(facts: SegmentFacts, parts: int) -> None:
    cut = np.array_split(np.arange(len(facts.items)), parts)
    joined = SegmentFacts.join([take_rows(facts, rows) for rows in cut])
    whole = segment(facts, endless(facts), fresh(facts), CUTS)
    assert segment(joined, endless(facts), fresh(facts), CUTS).cell.tolist() == whole.cell.tolist()


def test_the_most_valuable_is_a_and_the_least_is_c(facts: SegmentFacts) -> None:
    codes = segment(facts, endless(facts), fresh(facts), CUTS)
    assert codes.value[np.argmax(facts.value)] == 0
    assert codes.value[np.argmin(facts.value)] == 2


def test_an_announced_end_runs_out_and_a_constrained_class_is_scarce(facts: SegmentFacts) -> None:
    ends = endless(facts)
    ends[0] = 30.0
    declared = facts.declared.copy()
    declared[1] = True
    codes = segment(replace(facts, declared=declared), ends, fresh(facts), CUTS)
    assert codes.stage[0] == 4
    assert codes.constrained[1] == 1


def test_a_value_that_wavers_at_a_cut_does_not_change_its_class_every_day(facts: SegmentFacts) -> None:
    value = np.array([80.0, 19.0, 1.0])
    three = replace(take_rows(facts, np.arange(3)), value=value)
    first = segment(three, endless(three), fresh(three), CUTS)
    wavered = replace(three, value=np.array([79.0, 20.0, 1.0]))
    free = segment(wavered, endless(three), fresh(three), CUTS)
    held = segment(wavered, endless(three), first.cell, CUTS)
    assert free.value.tolist() != first.value.tolist(), "without a past the class would change"
    assert held.value.tolist() == first.value.tolist()


def test_changes_are_kept_once_and_shown_to_whoever_may_see_the_site(troubled: World, a_copy: Copy) -> None:
    world = a_copy(troubled)
    outlook, _ = look(world)
    measured = SegmentFacts.of(outlook)
    snapshot = world.toolbox.snapshot()

    def assign(facts: SegmentFacts, snapshot_id: str) -> Segmented:
        with world.database.read() as connection:
            found = segment_network(connection, snapshot, facts, POLICY)
        with world.database.write("evenkeel", world.clock()) as transaction:
            keep_segments(transaction, snapshot_id, found)
        return found

    first = assign(measured, "snap-1")
    assert first.changed.size == 0
    swapped = replace(measured, value=measured.value[::-1].copy())
    second = assign(swapped, "snap-2")
    assert second.changed.size > 0
    assert assign(swapped, "snap-2").changed.size == 0
    with world.database.read() as connection:
        changes = list_segment_changes(connection, EVERYTHING, "snap-2")
        assert len(changes) == count_segment_changes(connection, EVERYTHING, "snap-2") == second.changed.size
        assert [change.value_minor for change in changes] == sorted((c.value_minor for c in changes), reverse=True)
        assert list_segment_changes(connection, EVERYTHING, "snap-1") == []
        assert segment_frame(connection, EVERYTHING)["cell"].to_list() == second.cell.tolist()
        north = Scope(user="otto", sites=frozenset({"NORTH"}))
        assert {change.site for change in list_segment_changes(connection, north, "snap-2")} <= {"NORTH"}
        assert set(segment_frame(connection, north)["site"]) == {"NORTH"}
