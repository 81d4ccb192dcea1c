"""Policies are compared over the whole network, however its demand is stored."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from benchmarks.sweep import NOW, House
from benchmarks.worlds import AS_OF, Shape, network
from inventory.records import Finding
from inventory.snapshots import SnapshotStore
from tools.detectors.policies import policy_inconsistencies
from tools.thresholds import packaged_thresholds, parse_thresholds

PLACES = 600


def found(folder: Path, part_size: int) -> list[Finding]:
    """Findings of a network in which one store has a service target of its own, its demand cut into parts."""
    house = House(folder)
    tables = network(PLACES, shape=Shape(sites=5))
    own = pl.when(pl.col("site") == "ST-3").then(0.999).otherwise(pl.col("service_target"))
    tables["item_sites"] = tables["item_sites"].with_columns(service_target=own)
    store = SnapshotStore(folder / "cut", house.database, part_size=part_size)
    snapshot = store.write(tables, as_of=AS_OF, import_id="parts", actor="test", now=NOW)
    house.database.dispose()
    assert len(snapshot.parts("demand")) == -(-PLACES // part_size)
    return policy_inconsistencies(snapshot, parse_thresholds(packaged_thresholds()))


def test_policies_are_compared_alike_in_one_part_and_in_six(tmp_path: Path) -> None:
    whole = found(tmp_path / "whole", PLACES)

    assert any("ST-3" in finding.note for finding in whole)
    assert found(tmp_path / "six", PLACES // 6) == whole
