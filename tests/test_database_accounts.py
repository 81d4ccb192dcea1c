"""The house run by three accounts, each a member of one database role and of nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import DecisionRefusedError
from inventory.database_roles import ROLES, grant_roles
from inventory.errors import AccessError
from inventory.outbox import list_receipts
from inventory.records import EVERYTHING, ProposalState
from service.bootstrap import House
from service.home import HomeKind, Layout
from service.settings import Settings
from service.worker import Worker
from tests import postgres
from tests.invariants import assert_house_in_order, erp_keys, verification
from tests.worlds import ADDRESS, TurnableClock, World, copy_home, two_sites_one_lane

ADVISE, DECIDE, DISPATCH = ROLES
S = ProposalState


@pytest.fixture(scope="module")
def furnished(engine: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A house its owner furnished; nothing was swept yet."""
    world = World(tmp_path_factory.mktemp("accounts") / "home", two_sites_one_lane(), rollout="guided").furnish()
    with world.database.write("root", world.clock()) as transaction:
        grant_roles(transaction.connection)
    return world


@pytest.fixture
def home(furnished: World, tmp_path: Path) -> Path:
    """A copy of it."""
    return copy_home(furnished.folder, tmp_path / "home")


def opened_by(home: Path, role: str, clock: TurnableClock, rollout: str = "guided") -> World:
    """The house as the process of one role opens it."""
    address = home / ADDRESS
    address.write_text(postgres.account(address.read_text("utf-8"), role), "utf-8")
    return World(home, two_sites_one_lane(), clock, rollout=rollout)


def test_a_case_goes_from_detection_to_receipt_with_each_step_under_its_own_account(home: Path) -> None:
    clock = TurnableClock()
    opened_by(home, DECIDE, clock).desk.sweep()
    deciding = opened_by(home, DECIDE, clock)
    approved = deciding.decide(deciding.the_proposal(S.PENDING), "approve", "pia")
    dispatching = opened_by(home, DISPATCH, clock)
    (done,) = dispatching.desk.execute()
    assert (done.proposal_id, done.state) == (approved.proposal_id, S.EXECUTED)
    with dispatching.database.read() as connection:
        assert [receipt.key for receipt in list_receipts(connection, EVERYTHING)] == erp_keys(dispatching)
    assert_house_in_order(dispatching)
    assert verification(dispatching).not_anchored == 0


def test_the_worker_does_all_its_work_under_the_dispatching_account(home: Path) -> None:
    clock = TurnableClock()
    opened_by(home, DECIDE, clock).desk.sweep()
    deciding = opened_by(home, DECIDE, clock)
    deciding.decide(deciding.the_proposal(S.PENDING), "approve", "pia")
    dispatching = opened_by(home, DISPATCH, clock)
    clock.forward(days=400)  # old words of the trace go, too
    settings = Settings(home=home, erp="simulated", rollout="guided")
    house = House(settings, Layout(home), HomeKind.PRODUCTION, clock, dispatching.database)
    said: list[str] = []
    assert Worker(house, said.append).run(once=True) == "", said
    assert dispatching.the_proposal().state in (S.EXECUTED, S.EXPIRED)
    assert any("retention" in line and "words of 0" not in line for line in said)
    assert verification(dispatching).not_anchored == 0


def test_the_advising_account_plans_and_proposes_but_neither_signs_nor_sends(home: Path) -> None:
    clock = TurnableClock()
    advising = opened_by(home, ADVISE, clock)
    advising.desk.sweep()
    waiting = advising.the_proposal(S.PENDING)
    with pytest.raises(AccessError, match=r"approvals|revalidations"):
        advising.decide(waiting, "approve", "pia")
    assert advising.the_proposal().state is S.PENDING
    assert_house_in_order(advising)


def test_where_policy_signs_the_advising_account_cannot_sign_for_it(home: Path) -> None:
    advising = opened_by(home, ADVISE, TurnableClock(), rollout="auto")
    with pytest.raises(AccessError, match=r"approvals|revalidations"):
        advising.desk.sweep()
    assert {proposal.state for proposal in advising.proposals()} <= {S.DRAFT, S.PENDING}
    assert erp_keys(advising) == []


def test_the_dispatching_account_cannot_sign_what_it_sends(home: Path) -> None:
    clock = TurnableClock()
    opened_by(home, DECIDE, clock).desk.sweep()
    dispatching = opened_by(home, DISPATCH, clock)
    with pytest.raises((AccessError, DecisionRefusedError), match=r"approvals|revalidations|rulings"):
        dispatching.decide(dispatching.the_proposal(S.PENDING), "approve", "pia")
    assert dispatching.desk.execute() == ()
    assert erp_keys(dispatching) == []
