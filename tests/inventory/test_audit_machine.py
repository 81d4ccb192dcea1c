"""Hypothesis against the audit chain: it appends, loses anchors, edits, drops, swaps, cuts and forges."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from inventory.anchor import Anchor
from inventory.audit import GENESIS, Verification, entry_hash, verify
from inventory.database import Database
from inventory.tables import audit
from tests.inventory.worlds import NOW, a_database, a_forgetful_process

Row = dict[str, Any]
HASHED = ("at", "actor", "os_user", "event", "subject", "subject_id", "body")
TEXT_COLUMNS = (*HASHED, "previous", "hash")
words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
positions = st.integers(0, 10_000)


class ChainMachine(RuleBasedStateMachine):
    """The model is the list of rows as written; every manipulation is undone after it was looked at."""

    def __init__(self, template: Path, directory: Path) -> None:
        super().__init__()
        self.database = a_database(template, Path(tempfile.mkdtemp(dir=directory)))
        self.forgetful = a_forgetful_process(self.database)
        self.rows: list[Row] = []
        self.anchored: set[int] = set()

    def teardown(self) -> None:
        self.database.dispose()
        self.forgetful.dispose()

    @initialize(events=st.lists(words, min_size=2, max_size=4))
    def begin(self, events: list[str]) -> None:
        self.append(events)

    @rule(events=st.lists(words, min_size=1, max_size=3))
    def append(self, events: list[str]) -> None:
        self._write(self.database, events)
        self.anchored |= {len(self.rows) - back for back in range(len(events))}

    @rule(event=words)
    def die_before_anchoring(self, event: str) -> None:
        self._write(self.forgetful, [event])

    def _write(self, database: Database, events: list[str]) -> None:
        with database.write("ines", NOW) as transaction:
            for event in events:
                transaction.record("case.moved", "case", "case-1", {"note": event})
        with database.read() as connection:
            self.rows = [dict(row._mapping) for row in connection.execute(select(audit).order_by(audit.c.sequence))]

    @rule(at=positions, column=st.sampled_from(TEXT_COLUMNS), value=words)
    def edit(self, at: int, column: str, value: str) -> None:
        rows = self._copy()
        row = rows[at % len(rows)]
        if row[column] != value:
            row[column] = value
            assert self._look(rows).first_bad == row["sequence"]

    @rule(at=positions)
    def drop(self, at: int) -> None:
        rows = self._copy()
        gone = rows.pop(at % len(rows))["sequence"]
        if gone <= max(self.anchored) or gone < len(self.rows):
            assert self._look(rows).first_bad == gone

    @rule(left=positions, right=positions)
    def swap(self, left: int, right: int) -> None:
        rows = self._copy()
        first, second = sorted((left % len(rows), right % len(rows)))
        if first != second:
            rows[first]["sequence"], rows[second]["sequence"] = second + 1, first + 1
            assert self._look(rows).first_bad == first + 1

    @rule(kept=positions)
    def cut(self, kept: int) -> None:
        """Cutting below the last anchored entry is found; above it nobody can know, which is why they are counted."""
        keep = kept % max(self.anchored)
        assert self._look(self._copy()[:keep]).first_bad == keep + 1

    @rule(at=positions, column=st.sampled_from(HASHED), value=words)
    def forge(self, at: int, column: str, value: str) -> None:
        """An anchored entry is changed and every later hash computed anew."""
        rows = self._copy()
        place = sorted(self.anchored)[at % len(self.anchored)] - 1
        if rows[place][column] == value:
            return
        rows[place][column] = value
        previous = rows[place - 1]["hash"] if place else GENESIS
        for row in rows[place:]:
            fields = tuple(str(row[name]) for name in HASHED)
            row["previous"], row["hash"] = previous, entry_hash(row["sequence"], previous, fields)
            previous = row["hash"]
        assert self._look(rows).first_bad == place + 1

    @precondition(lambda self: len(self.rows) > len(self.anchored))
    @rule()
    def anchor_again(self) -> None:
        with self.database.read() as connection:
            self.database.anchor.append(list(connection.execute(select(audit.c.sequence, audit.c.hash))))
        self.anchored = set(range(1, len(self.rows) + 1))

    @invariant()
    def no_false_alarm(self) -> None:
        if not self.rows:
            return
        result = self._verify()
        assert result.sound, result.problem
        assert result.entries == len(self.rows)
        assert result.not_anchored == len(self.rows) - len(self.anchored)

    def _copy(self) -> list[Row]:
        return [dict(row) for row in self.rows]

    def _look(self, rows: list[Row]) -> Verification:
        """What ``verify`` says about these rows; the true ones are put back."""
        self._replace(rows)
        result = self._verify()
        self._replace(self.rows)
        return result

    def _replace(self, rows: list[Row]) -> None:
        with self.database.write("intruder", NOW) as transaction:
            transaction.connection.execute(audit.delete())
            if rows:
                transaction.connection.execute(audit.insert(), rows)

    def _verify(self) -> Verification:
        with self.database.read() as connection:
            return verify(connection, Anchor(self.database.anchor.path))


def machine_in(template: Path, directory: Path) -> type[ChainMachine]:
    """The machine with its databases in a directory of the test."""

    class Here(ChainMachine):
        def __init__(self) -> None:
            super().__init__(template, directory)

    return Here


def test_every_manipulation_is_caught_and_nothing_else_is(template: Path, tmp_path: Path) -> None:
    run_state_machine_as_test(
        machine_in(template, tmp_path),
        settings=settings(max_examples=15, stateful_step_count=25, deadline=None, derandomize=True, database=None),
    )


@pytest.mark.acceptance
def test_two_hundred_long_runs_find_nothing_else(template: Path, tmp_path: Path) -> None:
    run_state_machine_as_test(
        machine_in(template, tmp_path),
        settings=settings(max_examples=200, stateful_step_count=50, deadline=None, database=None),
    )
