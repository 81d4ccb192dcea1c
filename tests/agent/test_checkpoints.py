"""Scratch paper: kept beside the database, in a place of its own, of listed types only, thrown away when done with."""

from __future__ import annotations

from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint

from agent.checkpoints import LISTED_TYPES, open_checkpoints
from inventory.records import ProposalState, Scope, Tier
from tests import postgres
from tests.tools.conftest import Copy
from tests.worlds import World

S = ProposalState


def scratch(world: World) -> Any:
    """The world's own scratch paper, open."""
    return open_checkpoints(world.database, world.folder / "checkpoints.sqlite3")


def keep(checkpoints: Any, thread: str, **values: object) -> RunnableConfig:
    """Keep a checkpoint of a thread."""
    config: RunnableConfig = {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
    checkpoint = empty_checkpoint() | {"channel_values": values, "channel_versions": dict.fromkeys(values, 1)}
    kept: RunnableConfig = checkpoints.saver.put(config, checkpoint, {}, dict.fromkeys(values, 1))
    return kept


def test_a_thread_is_kept_while_its_proposal_lives_and_thrown_away_after(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    (waiting,) = world.proposals(S.PENDING)
    with scratch(world) as checkpoints:
        keep(checkpoints, "prop-long-gone", note="words")
        assert sorted(checkpoints.threads()) == sorted(["prop-long-gone", waiting.proposal_id])
    world.desk.execute()
    with scratch(world) as checkpoints:
        assert checkpoints.threads() == [waiting.proposal_id]


def test_types_that_are_not_listed_do_not_come_back_as_they_were(guided: World, a_copy: Copy) -> None:
    with scratch(a_copy(guided)) as checkpoints:
        config = keep(checkpoints, "prop-1", tier=Tier.FORMAL, state=S.SENT, scope=Scope(user="mallory"))
    with scratch(a_copy(guided)) as checkpoints:
        assert checkpoints.saver.get_tuple(config) is None, "another world has its own"
    values = checkpoints.saver.serde.loads_typed(checkpoints.saver.serde.dumps_typed(Scope(user="mallory")))
    assert not isinstance(values, Scope)
    assert {name for _, name in LISTED_TYPES} == {"Tier", "ProposalState"}
    for value in (Tier.FORMAL, S.SENT):
        assert checkpoints.saver.serde.loads_typed(checkpoints.saver.serde.dumps_typed(value)) is value


def test_scratch_paper_has_a_place_of_its_own(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    if not world.database.is_postgresql:
        assert (world.folder / "checkpoints.sqlite3").is_file()
        return
    assert not list(world.folder.glob("checkpoints*"))
    with postgres.administration(world.database.url) as connection:
        found = connection.execute("SELECT schemaname, tablename FROM pg_tables WHERE tablename LIKE 'checkpoint%'")
        assert {schema for schema, _ in found.fetchall()} == {"checkpoints"}


def test_scratch_paper_that_was_lost_is_made_anew(guided: World, a_copy: Copy) -> None:
    world = a_copy(guided)
    if world.database.is_postgresql:
        with postgres.administration(world.database.url) as connection:
            connection.execute("DROP SCHEMA checkpoints CASCADE")
    else:
        (world.folder / "checkpoints.sqlite3").unlink()
    proposal = world.the_proposal(S.PENDING)
    world.decide(proposal, "approve", "pia")
    (done,) = world.desk.execute()
    assert done.state is S.EXECUTED
