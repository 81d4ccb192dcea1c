"""A step of the desk that the database rolls back is done again as a whole, a few times, and then given up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from inventory.anchor import Anchor
from inventory.database import Database, Transaction
from inventory.errors import ConflictError
from inventory.records import ProposalState
from tests import postgres
from tests.invariants import assert_house_in_order, erp_keys
from tests.tools.conftest import Copy
from tests.worlds import World

S = ProposalState


class Contested(Database):
    """Rolls the first so many writing transactions back when they are about to commit."""

    def __init__(self, where: Path | str, anchor: Anchor, times: int) -> None:
        super().__init__(where, anchor)
        self.times = times
        postgres.remember(self)

    @contextmanager
    def write(self, actor: str, now: datetime) -> Iterator[Transaction]:
        """As ever, but for the conflict."""
        with super().write(actor, now) as transaction:
            yield transaction
            if self.times:
                self.times -= 1
                raise ConflictError("could not serialize access")


def contest(world: World, times: int) -> None:
    """Let the next writes of the world's desk collide."""
    world.toolbox.database = Contested(world.database.where, world.database.anchor, times)


@pytest.mark.parametrize("times", [1, 4])
def test_a_decision_the_database_rolled_back_is_taken_once(guided: World, a_copy: Copy, times: int) -> None:
    world = a_copy(guided)
    contest(world, times)
    approved = world.decide(world.the_proposal(S.PENDING), "approve", "pia")
    assert approved.state is S.APPROVED
    with world.database.read() as connection:
        signed = connection.exec_driver_sql("SELECT count(*) FROM approvals").scalar_one()
        told = connection.exec_driver_sql("SELECT count(*) FROM audit WHERE event = 'proposal.approved'").scalar_one()
    assert (signed, told) == (1, 1)


def test_a_decision_that_is_rolled_back_each_time_is_given_up_and_leaves_nothing(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    contest(world, 99)
    with pytest.raises(ConflictError):
        world.decide(world.the_proposal(S.PENDING), "approve", "pia")
    assert world.the_proposal().state is S.PENDING


def test_an_execution_that_collides_posts_once(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    world.decide(world.the_proposal(S.PENDING), "approve", "pia")
    contest(world, 2)
    world.desk.execute()
    world.clock.forward(minutes=5)
    world.desk.execute()
    assert world.the_proposal().state is S.EXECUTED
    assert len(erp_keys(world)) == 1
    assert_house_in_order(world)


def test_a_sweep_that_collides_finds_the_same(guided: World, a_copy: Copy) -> None:
    quiet, contested = a_copy(guided), a_copy(guided)
    for world in (quiet, contested):
        world.clock.forward(hours=6)
        world.deliver()
    contest(contested, 3)
    assert contested.desk.sweep().dispositions == quiet.desk.sweep().dispositions
    assert_house_in_order(contested)
