"""A hundred thousand rows, many of them damaged at random: each is accepted or quarantined, none is lost."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import func, select

from inventory.database import Database
from inventory.importing.gate import import_feeds
from inventory.snapshots import SnapshotStore
from inventory.tables import quarantine
from tests.inventory.import_worlds import LAST_WEEK, LYON, NOW, PORTO, a_delivery, send

ROWS = 100_000
ITEMS = 1_000
DAMAGE = ("", "NaN", "-3", "1,5", "0.5", "9 crates", "\x00", '"', "7,7", "٣", "ok")


def test_accepted_and_quarantined_rows_add_up_to_the_lines_read(database: Database, tmp_path: Path) -> None:
    chance = random.Random(2026)
    feeds = a_delivery()
    feeds["items"] = [{"item": f"I-{n}", "name": "x", "cost": "1"} for n in range(ITEMS)]
    feeds["item_sites"] = [{"item": f"I-{n}", "site": site} for n in range(ITEMS) for site in (LYON, PORTO)]
    feeds["stock"] = [{"item": "I-1", "site": LYON, "on_hand": "1", "as_of": NOW.isoformat()}]
    folder = send(tmp_path / "feeds", feeds)
    lines, good = ["item,site,date,quantity"], Counter[tuple[str, str]]()
    days = [(LAST_WEEK - timedelta(weeks=back)).isoformat() for back in range(ROWS // ITEMS // 2)]
    for day in days:
        for number in range(ITEMS):
            for site in (LYON, PORTO):
                units = chance.randrange(100)
                damaged = chance.random() < 0.05
                value = chance.choice(DAMAGE) if damaged else str(units)
                lines.append(f"I-{number},{site},{day},{value}")
                if not damaged:
                    good[(f"I-{number}", site)] += units
    (folder / "demand.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    store = SnapshotStore(tmp_path / "snapshots", database)
    report = import_feeds(folder, mapping=None, database=database, snapshots=store, actor="ines", now=NOW)
    demand = next(each for each in report.tables if each.table == "demand")
    assert demand.read == ROWS
    assert demand.accepted + demand.quarantined == ROWS
    assert sum(demand.reasons.values()) == demand.quarantined
    damaged_rows = sum(1 for line in lines[1:] if line.split(",", 3)[3] in DAMAGE)
    assert demand.quarantined == damaged_rows
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(quarantine)).scalar_one() == damaged_rows
    history = store.open(report.snapshot_id).demand()
    totals = np.nansum(history.weekly, axis=1).astype(int).tolist()
    assert dict(zip(history.keys.iter_rows(), totals, strict=True)) == good
