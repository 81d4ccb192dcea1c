"""Thirty-two approvers at once, in threads of several processes: one of them approves, the others are told so."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from inventory.audit import entries
from inventory.outbox import list_outbox
from inventory.proposals import list_approvals
from inventory.records import EVERYTHING, ProposalState
from inventory.revalidations import list_revalidations
from tests.contenders import APPROVERS, LOST, introduce, race_of_all
from tests.crashes import house, templates
from tests.invariants import assert_house_in_order
from tests.worlds import copy_home


@pytest.mark.parametrize("rounds", [4, pytest.param(50, marks=pytest.mark.acceptance)])
def test_of_thirty_two_approvers_exactly_one_wins(engine: str, tmp_path: Path, rounds: int) -> None:
    template = house(templates(tmp_path / "templates")["decide"])
    introduce(template)
    template.database.dispose()
    folders = [copy_home(template.folder, tmp_path / f"round{number}") for number in range(rounds)]
    for folder, told in zip(folders, race_of_all(folders), strict=True):
        assert Counter(told) == {"approved": 1, LOST: len(APPROVERS) - 1}, (engine, told)
        world = house(folder)
        (proposal,) = world.proposals()
        with world.database.read() as connection:
            signed = list_approvals(connection, EVERYTHING, proposal.proposal_id)
            read_again = list_revalidations(connection, EVERYTHING, proposal.proposal_id)
            documents = list_outbox(connection, EVERYTHING)
            told_of = [entry.event for entry in entries(connection, subject_id=proposal.proposal_id)]
        assert proposal.state is ProposalState.APPROVED
        assert (len(signed), len(documents), len(read_again)) == (1, 1, 1)
        assert read_again[0].by == signed[0].by
        assert told_of.count("proposal.approved") == 1
        assert_house_in_order(world)
        world.database.dispose()
