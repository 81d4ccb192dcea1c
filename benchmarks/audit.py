"""How long it takes to hold a long, untouched log against its anchor, its heads and the tables, with no false alarm.

``python -m benchmarks.audit [EVENTS] [--database URL]`` writes that many events (a million unless said otherwise), some
to a commit, each commit signed, then examines them as ``evenkeel audit verify`` does and exports and checks a part of
them. The log lies in a SQLite file, or in the PostgreSQL database named, which must be empty.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from inventory.anchor import Anchor
from inventory.audit_export import Period, export_lines
from inventory.database import Database
from inventory.heads import HeadSigner, create_key
from inventory.log_report import KEY_EVENT, LogReport, examine_log
from inventory.people import save_user
from inventory.records import User
from inventory.verify_export import ExportCheck, verify_export

START = datetime(2024, 4, 8, 6, 0, tzinfo=UTC)
PER_COMMIT = 100
"""Events of a commit; a decision writes four, a sweep of a large network thousands."""
PER_DAY = 10_000
NOTE = "the case was found again with other figures, and nothing else came of it"


def a_long_log(folder: Path, events: int, where: str | None = None) -> Database:
    """A database whose log has that many events, one head a commit: cases found again, and users changed.

    Parameters
    ----------
    where
        URL of an empty PostgreSQL database; a SQLite file in the folder when omitted.

    Raises
    ------
    ValueError
        If there is a log in it already.
    """
    key = folder / "signing.key"
    create_key(key)
    signer = HeadSigner(key, lambda: START)
    database = Database(where or folder / "evenkeel.sqlite3", Anchor(folder / "anchor.log", signer))
    database.migrate()
    if _entries(database):
        raise ValueError("the database is not empty: name one that holds no log")
    with database.write("evenkeel", START) as transaction:
        transaction.record(KEY_EVENT, "key", "signing_key", {"public": signer.public})
    for number in range(-(-(events - 1) // PER_COMMIT)):
        first = 2 + number * PER_COMMIT
        with database.write("evenkeel", START + timedelta(days=first // PER_DAY)) as transaction:
            save_user(transaction, User(user_id=f"user-{number % 500}", name=f"Name {number}", roles=("planner",)))
            for place in range(first + 1, min(first + PER_COMMIT, events + 1)):
                body = {"snapshot": f"snap-{number}", "money_at_risk": place, "findings": 3, "note": NOTE}
                transaction.record("case.found_again", "case", f"case-{place % 9973}", body)
    return database


def examined(database: Database) -> tuple[LogReport, float, float]:
    """What the verifier says, and how many seconds it took, by the clock on the wall and of the processor."""
    started, worked = time.perf_counter(), time.process_time()
    with database.read() as connection:
        report = examine_log(connection, database.anchor)
    return report, time.perf_counter() - started, time.process_time() - worked


def exported(database: Database, folder: Path) -> tuple[ExportCheck, float]:
    """A tenth of the log exported and checked from the file, and how many seconds both took."""
    started = time.perf_counter()
    file = folder / "export.jsonl"
    anchor = database.anchor
    assert anchor.signer is not None
    with database.read() as connection, file.open("w", encoding="utf-8") as out:
        days = max(_entries(database) // PER_DAY // 10, 1)
        period = Period(START, START + timedelta(days=days))
        lines: Iterator[str] = export_lines(
            connection, anchor, period, public=anchor.signer.public, now=START, actor="benchmark"
        )
        out.writelines(f"{line}\n" for line in lines)
    with file.open(encoding="utf-8") as lines:
        check = verify_export(lines)
    return check, time.perf_counter() - started


def _entries(database: Database) -> int:
    from inventory.audit import count

    with database.read() as connection:
        return count(connection)


def main(events: int, where: str | None = None) -> None:
    """Print one line for each step."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.perf_counter()
        database = a_long_log(folder, events, where)
        kind = "PostgreSQL" if database.is_postgresql else "SQLite"
        print(f"written: {events:,} events to {kind} in {time.perf_counter() - started:.1f} s")
        report, seconds, worked = examined(database)
        print(
            f"examined: {report.chain.entries:,} entries, {report.heads.heads:,} signed heads, {report.rows:,} rows in "
            f"{seconds:.1f} s ({worked:.1f} s of one processor); {len(report.alarms)} alarms, "
            f"{report.chain.not_anchored} not anchored"
        )
        check, seconds = exported(database, folder)
        print(f"exported and checked: {check.entries:,} entries in {seconds:.1f} s; {len(check.problems)} problems")
        database.dispose()
    if report.alarms or check.problems:
        raise SystemExit(f"an untouched log raised an alarm: {report.alarms or check.problems}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--database", metavar="URL", help="an empty PostgreSQL database; a SQLite file when omitted")
    given = parser.parse_args()
    main(given.events, given.database)
