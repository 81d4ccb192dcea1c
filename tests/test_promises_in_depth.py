"""The same contract, one step further: what each rule of the design also means."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import delete, update

import inventory.cases
import inventory.chronicle
import inventory.ledger
import inventory.outbox
import inventory.proposals
import inventory.rulebook
from agent.errors import DecisionRefusedError
from inventory.chronicle import KILL_SWITCH, set_switch
from inventory.errors import LostRaceError
from inventory.ledger import ledger_rows, list_reservations, reserved_by_line
from inventory.outbox import list_outbox
from inventory.proposals import find_plan_run, list_approvals, list_rulings
from inventory.record import canonical_record
from inventory.records import (
    EVERYTHING,
    ProposalState,
    Tier,
)
from inventory.tables import feed_health, proposals
from tests.invariants import assert_house_in_order, erp_keys
from tests.worlds import World, two_sites_one_lane
from tools.actions import dispatch
from tools.errors import ApprovalMismatchError, KillSwitchError

ROOT = Path(__file__).parents[1]
PACKAGES = ("agent", "tools", "inventory", "knowledge", "optimizer", "service")
S = ProposalState


def test_rule_1_what_policy_approved_waits_for_its_recall_window(auto: World) -> None:
    auto.clock.forward(minutes=29)
    assert auto.desk.execute() == ()
    assert erp_keys(auto) == []
    auto.clock.forward(minutes=2)
    (done,) = auto.desk.execute()
    assert done.state is S.EXECUTED
    assert len(erp_keys(auto)) == 1
    assert_house_in_order(auto)


def test_rule_2_a_line_changed_behind_the_approval_is_not_executed(guided: World) -> None:
    approved = guided.decide(guided.the_proposal(), "approve", "pia")
    lines = tuple(line.model_copy(update={"quantity": line.quantity + 1}) for line in approved.content.lines)
    forged = approved.content.model_copy(update={"lines": lines})
    with guided.database.write("intruder", guided.clock()) as transaction:
        transaction.connection.execute(update(proposals).values(content=canonical_record(forged)))
    (waits,) = guided.desk.execute()
    assert waits.state is S.APPROVED
    with pytest.raises(ApprovalMismatchError, match="no approval names its digest"):
        dispatch(guided.toolbox, approved.proposal_id)
    assert erp_keys(guided) == []


def test_rule_3_whoever_decides_second_is_told_and_changes_nothing(guided: World) -> None:
    seen = guided.the_proposal()
    guided.decide(seen, "reject", "pia")
    with pytest.raises(LostRaceError, match="rejected"):
        guided.decide(seen, "approve", "ada")
    assert guided.the_proposal().state is S.REJECTED
    assert guided.desk.execute() == ()
    assert_house_in_order(guided)


def test_rule_3_a_stricter_tier_found_while_deciding_sends_it_back(guided: World) -> None:
    seen = guided.the_proposal()
    with guided.database.write("root", guided.clock()) as transaction:
        transaction.connection.execute(delete(feed_health))
    again = guided.decide(seen, "approve", "pia")
    assert (again.state, again.tier) == (S.PENDING, Tier.ADVICE)
    with guided.database.read() as connection:
        assert list_approvals(connection, EVERYTHING, seen.proposal_id) == []
        assert list_outbox(connection, EVERYTHING) == []


def states_of_reservations(world: World) -> list[tuple[str, int]]:
    """State and units of every reservation."""
    with world.database.read() as connection:
        return [(held.state, held.quantity) for held in list_reservations(connection, EVERYTHING)]


def test_rule_5_a_snapshot_below_the_promise_voids_the_newest_with_a_diff(rivals: World) -> None:
    before = {p.proposal_id: p for p in rivals.proposals()}
    left = max(p.content.lines[0].quantity for p in before.values())
    rivals.clock.forward(hours=1)
    rivals.deliver(rivals.network.with_stock({("PUMP", "DC"): left}))
    (void,) = rivals.proposals(S.VOID)
    assert void.proposal_id == max(before)
    assert f"{void.content.lines[0].quantity} of PUMP from DC" in void.reason
    (kept,) = rivals.proposals(S.PENDING)
    with rivals.database.read() as connection:
        assert reserved_by_line(connection, EVERYTHING) == {("PUMP", "DC"): kept.content.lines[0].quantity}
    assert_house_in_order(rivals)


@pytest.mark.parametrize("verb", ["reject", "snooze"])
def test_rule_5_what_is_refused_or_put_off_gives_its_units_back(guided: World, verb: str) -> None:
    more = {"until": guided.clock() + timedelta(days=1)} if verb == "snooze" else {}
    guided.decide(guided.the_proposal(), verb, "pia", **more)
    assert [state for state, _ in states_of_reservations(guided)] == ["released"]
    with guided.database.read() as connection:
        assert [row.reserved for row in ledger_rows(connection, EVERYTHING)] == [0, 0]


def test_rule_5_what_nobody_decides_expires_and_gives_its_units_back(guided: World) -> None:
    seen = guided.the_proposal()
    guided.clock.forward(hours=25)
    with pytest.raises(DecisionRefusedError, match="expired"):
        guided.decide(seen, "approve", "pia")
    guided.desk.recover()
    assert guided.the_proposal().state is S.EXPIRED
    assert [state for state, _ in states_of_reservations(guided)] == ["released"]


def test_rule_5_no_unit_is_promised_twice_when_two_want_it(rivals: World) -> None:
    moves = [line for p in rivals.proposals() for line in p.content.lines]
    with rivals.database.read() as connection:
        run = find_plan_run(connection, EVERYTHING, rivals.proposals()[0].content.plan_run_id)
        (donor,) = [row for row in ledger_rows(connection, EVERYTHING) if row.site == "DC"]
    assert donor.reserved == sum(line.quantity for line in moves) <= donor.on_hand - donor.protect
    assert run.lost_to
    assert all("takes" in why for why in run.lost_to.values())


def test_rule_10_above_the_ceiling_a_person_decides(rivals: World, tmp_path: Path) -> None:
    dear = World(tmp_path / "dear", two_sites_one_lane(cost=80.0, price=200.0)).furnish()
    dear.desk.sweep()
    proposal = dear.the_proposal()
    assert proposal.content.value_minor > 500_000
    assert (proposal.state, proposal.tier) == (S.PENDING, Tier.FORMAL)
    with pytest.raises(DecisionRefusedError, match="pia"):
        dear.decide(proposal, "approve", "pia")
    assert dear.decide(proposal, "approve", "ada").state is S.APPROVED


def test_rule_10_the_kill_switch_binds_at_once(guided: World) -> None:
    guided.decide(guided.the_proposal(), "approve", "pia")
    with guided.database.write("root", guided.clock()) as transaction:
        set_switch(transaction, KILL_SWITCH, on=True)
    with pytest.raises(KillSwitchError):
        guided.desk.execute()
    assert erp_keys(guided) == []
    assert guided.the_proposal().state is S.APPROVED


def test_rule_11_a_plan_run_that_was_changed_does_not_replay(rivals: World) -> None:
    proposal = rivals.proposals()[0]
    lines = tuple(line.model_copy(update={"quantity": line.quantity + 1}) for line in proposal.content.lines)
    forged = proposal.content.model_copy(update={"lines": lines})
    with rivals.database.write("intruder", rivals.clock()) as transaction:
        transaction.connection.execute(
            update(proposals)
            .where(proposals.c.proposal_id == proposal.proposal_id)
            .values(content=canonical_record(forged))
        )
    (replay,) = rivals.desk.replay(proposal.proposal_id)
    assert not replay.same


def test_rule_12_the_same_lane_rests_after_a_move(tmp_path: Path) -> None:
    world = World(tmp_path / "world", two_sites_one_lane()).furnish()
    world.desk.sweep()
    world.clock.forward(minutes=31)
    world.desk.execute()
    world.clock.forward(days=2)
    (document,) = world.erp.open_documents()
    world.erp.receive(document.reference, world.clock())
    world.deliver(world.network.with_stock({("BOLT", "DC"): 300, ("BOLT", "NORTH"): 3}), world.erp.export_transfers())
    world.desk.sweep()
    again = world.the_proposal(S.PENDING)
    with world.database.read() as connection:
        ruling = list_rulings(connection, EVERYTHING, again.proposal_id)[-1]
    assert ruling.tier is Tier.PLANNER
    assert "cool_down" in {fired.rule for fired in ruling.fired}


OWN_CLOCK = re.compile(r"(datetime\.(now|utcnow|today)|date\.today|time\.time(_ns)?)$")
OWN_CHANCE = re.compile(r"((np|numpy)\.random|random)\.(seed|random|randint|choices?|shuffle|normal|uniform)$")


def called(source: Path) -> Iterator[str]:
    """What a module calls that asks the machine for the time or for chance; a generator without a seed is chance."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            unseeded = name.endswith("default_rng") and not node.args
            if OWN_CLOCK.search(name) or OWN_CHANCE.fullmatch(name) or unseeded:
                yield f"{source.relative_to(ROOT).as_posix()}: {name}"


def test_rule_13_only_the_door_reads_the_machines_clock_and_nobody_draws_unseeded() -> None:
    found = {call for package in PACKAGES for source in (ROOT / package).rglob("*.py") for call in called(source)}
    assert found == {"service/home.py: datetime.now"}


@pytest.mark.parametrize(
    "module",
    [
        inventory.cases, inventory.chronicle, inventory.ledger, inventory.outbox, inventory.proposals,
        inventory.rulebook,
    ],
    ids=lambda module: module.__name__,
)  # fmt: skip
def test_rule_15_every_read_of_the_store_takes_a_scope(module: ModuleType) -> None:
    reads = [
        function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and re.match(r"(find|list)_|ledger_rows", name)
    ]
    assert reads
    for read in reads:
        parameters = list(inspect.signature(read).parameters)
        assert parameters[:2] == ["connection", "scope"], f"{module.__name__}.{read.__name__}"
