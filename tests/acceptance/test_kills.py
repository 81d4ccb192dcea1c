"""Every named point killed five times, every single commit once, and houses at work at a hundred random moments."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory.outbox import list_outbox
from inventory.records import EVERYTHING, ProposalState
from tests import counts
from tests.crashes import KILLED, Job, kill, templates
from tests.invariants import assert_house_in_order, erp_keys
from tests.test_crashes import (
    assert_done_once,
    assert_killed_in_vain,
    assert_received,
    assert_survives,
    before,
    carry_on,
    kills,
    let_the_goods_arrive,
    reopen,
    the_transfer,
    wrecks,
)
from tests.worlds import copy_home

__all__ = ["before"]
pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(3600)]
REPEATS = counts.of("kills at each point", 5)
MOMENTS = counts.of("kills at random moments", 100)
AT_ONCE = 8
"""Commits tried together, until a step has fewer."""
NOT_THERE = ("dispatch.after_sent", "erp.before_post")
"""Points after which the ERP holds nothing, though the document is marked as sent."""


def test_five_kills_at_every_point_lose_nothing_and_double_nothing(before: dict[str, Path], tmp_path: Path) -> None:
    jobs = kills(REPEATS)
    for job, folder in zip(jobs, wrecks(before, tmp_path, jobs), strict=True):
        assert_killed_in_vain(job, folder)


def test_a_hundred_kills_of_houses_at_work_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    assert_survives(tmp_path, kills=MOMENTS, seed=7, at_once=10)


def test_without_keys_in_the_erp_a_kill_leaves_one_document_or_a_visible_doubt(tmp_path: Path) -> None:
    jobs = kills(REPEATS, ("execute",))
    ready = templates(tmp_path / "templates", native_key=False)
    for folder, point in zip(wrecks(ready, tmp_path, jobs, native_key=False), (job.point for job in jobs), strict=True):
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


@pytest.mark.parametrize("step", ["sweep", "decide", "execute"])
def test_a_kill_after_any_single_commit_loses_nothing_and_doubles_nothing(
    before: dict[str, Path], tmp_path: Path, step: str
) -> None:
    ready = before[step]
    jobs: list[Job] = []
    codes: list[int] = []
    while 0 not in codes:
        for number in range(len(jobs), len(jobs) + AT_ONCE):
            place = tmp_path / f"commit-{number}"
            copy_home(ready, place)
            jobs.append(Job(str(place), step, "database.committed", skip=number))
        codes += kill(jobs[-AT_ONCE:], tmp_path)
    killed = codes.index(0)
    assert codes == [KILLED] * killed + [0] * (len(codes) - killed)
    for job in jobs[:killed]:
        world = reopen(Path(job.folder))
        carry_on(world)
        point = f"commit {job.skip}"
        assert_done_once(world, point)
        let_the_goods_arrive(world)
        assert_received(world, point)
        world.database.dispose()
    assert killed >= {"sweep": 10, "decide": 1, "execute": 6}[step]
