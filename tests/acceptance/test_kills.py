"""Every named point between planning and receipt killed five times, and every single commit once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from inventory.outbox import list_outbox
from inventory.records import EVERYTHING, ProposalState
from tests.crashes import KILLED, Job, kill, templates
from tests.invariants import assert_house_in_order, erp_keys
from tests.test_crashes import (
    AFTER_THE_KILL,
    assert_as_left,
    assert_done_once,
    assert_received,
    carry_on,
    let_the_goods_arrive,
    reopen,
    the_transfer,
    wrecks,
)

pytestmark = pytest.mark.acceptance
REPEATS = 5
COMMITS = 60
"""More than any step makes."""
NOT_THERE = ("dispatch.after_sent", "erp.before_post")
"""Points after which the ERP holds nothing, though the document is marked as sent."""


@pytest.mark.parametrize("step", AFTER_THE_KILL)
def test_five_kills_at_every_point_lose_nothing_and_double_nothing(tmp_path: Path, step: str) -> None:
    points = [point for point in AFTER_THE_KILL[step] for _ in range(REPEATS)]
    for folder, point in zip(wrecks(tmp_path, [Job("", step, p) for p in points]), points, strict=True):
        world = reopen(folder)
        assert_as_left(world, point, *AFTER_THE_KILL[step][point])
        carry_on(world)
        assert_done_once(world, point)
        let_the_goods_arrive(world)
        assert_received(world, point)
        world.database.dispose()


def test_without_keys_in_the_erp_a_kill_leaves_one_document_or_a_visible_doubt(tmp_path: Path) -> None:
    points = [point for point in AFTER_THE_KILL["execute"] for _ in range(REPEATS)]
    jobs = [Job("", "execute", point) for point in points]
    for folder, point in zip(wrecks(tmp_path, jobs, native_key=False), points, strict=True):
        world = reopen(folder, native_key=False)
        carry_on(world)
        carry_on(world)
        proposal = the_transfer(world)
        assert proposal is not None
        if point in NOT_THERE:
            with world.database.read() as connection:
                (row,) = list_outbox(connection, EVERYTHING)
            assert (proposal.state, len(erp_keys(world))) == (ProposalState.IN_DOUBT, 0), point
            assert "a person must rule" in row.note
        else:
            assert_done_once(world, point)
        assert_house_in_order(world)
        world.database.dispose()


@pytest.mark.parametrize("step", AFTER_THE_KILL)
def test_a_kill_after_any_single_commit_loses_nothing_and_doubles_nothing(tmp_path: Path, step: str) -> None:
    ready = templates(tmp_path / "templates")[step]
    jobs = []
    for number in range(COMMITS):
        place = tmp_path / f"commit-{number}"
        shutil.copytree(ready, place)
        jobs.append(Job(str(place), step, "database.committed", skip=number))
    codes = kill(jobs, tmp_path)
    killed = codes.index(0)
    assert codes == [KILLED] * killed + [0] * (COMMITS - killed)
    for job in jobs[:killed]:
        world = reopen(Path(job.folder))
        carry_on(world)
        point = f"commit {job.skip}"
        assert_done_once(world, point)
        let_the_goods_arrive(world)
        assert_received(world, point)
        world.database.dispose()
    assert killed >= {"sweep": 10, "decide": 1, "execute": 6}[step]
