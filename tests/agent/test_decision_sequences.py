"""What comes of each click when people, rules, data and time change between the clicks; at the real desk.

Who may sign, as a pure question, is in ``test_approval_sequences``; here the store, the gate and the clock take part.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from agent.approval_policy import packaged_policy_text
from tests.agent.conftest import Copy
from tests.agent.sequence_worlds import (
    Room,
    Step,
    after,
    all_of,
    change,
    data,
    does,
    executes,
    lend,
    ok,
    policy,
    recovers,
    rights,
    sweeps,
    switch,
    two_items_one_lane,
)
from tests.invariants import assert_house_in_order
from tests.worlds import World

OK = "approved: agree"
SECOND = "waits: a second person must sign"
DC, NORTH = ("BOLT", "DC"), ("BOLT", "NORTH")
STRICTER = (("planner_below = 1.2\nformal_below = 1.0", "planner_below = 50\nformal_below = 50"),)
LOOSER = (
    ('regulated = "formal"', 'regulated = "planner"'), ("planner_limit = 5_000", "planner_limit = 500_000"),
    ("two_people_above = 20_000", "two_people_above = 500_000"),
)  # fmt: skip
NO_PLANNERS = (
    ('tier = "planner"\nroles = ["planner", "approver", "central"]', 'tier = "planner"\nroles = ["central"]'),
    ('to = "approver"', 'to = "central"'),
)
RECALL = ("planner = 0\nformal = 0", "planner = 0\nformal = 30")
Sequence = tuple[str, list[Step], Iterable[str]]

SEQUENCES: dict[str, Sequence] = {
    # once, by the right digest, in time
    "approve": ("guided", [ok("pia")], [OK]),
    "approve twice": ("guided", [ok("pia"), ok("ada")], [OK, "lost: is approved"]),
    "approve at the moment of expiry": ("guided", [after(24), ok("pia")], ["refused: expired at"]),
    "approve a second before expiry": ("guided", [after(24, seconds=-1), ok("pia")], [OK]),
    "approve after expiry was swept": (
        "guided", [after(24), recovers, ok("pia")], ["expired 1, escalated 0", "lost: is expired (nobody decided"]
    ),
    "approve what was rejected": ("guided", [does("pia", "reject"), ok("ada")], ["rejected:", "lost: is rejected"]),
    "reject without a reason code": ("guided", [does("pia", "reject", reason="agree")], ["wrong: say why with a"]),
    "reject without words": ("guided", [does("pia", "reject", text=" ")], ["wrong: reject needs words"]),
    # edits
    "edit, then sign it oneself": (
        "guided", [does("pia", "edit", quantities={1: 40}), ok("pia")], ["waits: planner", "refused: pia asked for"]
    ),
    "edit, then somebody else signs": (
        "guided", [does("pia", "edit", quantities={1: 40}), ok("otto")], ["waits: planner", OK]
    ),
    "the old version after an edit": (
        "guided", [does("pia", "edit", quantities={1: 40}), ok("otto", first=True)],
        ["waits: planner", "lost: is superseded (edited by pia)"],
    ),
    "edit after approve": ("guided", [ok("pia"), does("ada", "edit", quantities={1: 4})], [OK, "lost: is approved"]),
    "edit of an edit, the first editor signs": (
        "guided", [does("pia", "edit", quantities={1: 40}), does("otto", "edit", quantities={1: 30}), ok("pia")],
        ["waits:", "waits:", OK],
    ),
    "edit to what is not there": ("guided", [does("pia", "edit", quantities={9: 4})], ["wrong: has no line 9"]),
    # two people
    "two people": ("formal", [ok("ada"), ok("carl")], [SECOND, OK]),
    "the same person twice": ("formal", [ok("ada"), ok("ada")], [SECOND, "refused: ada has signed"]),
    "the second is a planner": ("formal", [ok("ada"), ok("pia")], [SECOND, "refused: pia holds none"]),
    "the second after expiry": ("formal", [ok("ada"), after(72), ok("carl")], [SECOND, "refused: expired at"]),
    "the first loses the role": (
        "formal", [ok("ada"), change("ada", roles=("planner",)), ok("carl")], [SECOND, SECOND]
    ),
    "the first is locked out": (
        "formal", [change("finn"), ok("ada"), change("ada", active=False), ok("carl"), ok("finn")],
        [SECOND, SECOND, OK],
    ),
    "kill switch before the second": (
        "formal", [ok("ada"), switch(True), ok("carl"), switch(False), ok("carl")],
        [SECOND, "waits: facts changed: now advice", "refused: nothing to sign"],
    ),
    "an edit wipes the first signature": (
        "formal", [ok("ada"), does("carl", "edit", quantities={1: 60}), ok("ada"), ok("carl")],
        [SECOND, "waits: formal", SECOND, "refused: carl asked for"],
    ),
    "an edit below the limit needs one": (
        "formal", [ok("ada"), does("pia", "edit", quantities={1: 10}), ok("carl")], [SECOND, "waits: formal", OK]
    ),
    "stock changes between two signatures": (
        "formal", [ok("ada"), data({DC: 200}), ok("carl")], [SECOND, "void: drafted on 300 free, now 200 free"]
    ),
    # stock, orders and prices in between
    "stock lower by all that is allowed": ("guided", [data({DC: 270}), ok("pia")], [OK]),
    "stock lower by one unit more": (
        "guided", [data({DC: 269}), ok("pia")],
        ["void: BOLT at DC: drafted on 300 free, now 269 free (10 % allowed)"],
    ),
    "more stock than there was": ("guided", [data({DC: 900}), ok("pia")], [OK]),
    "approve after void": ("guided", [data({DC: 200}), ok("pia"), ok("ada")], ["void:", "lost: is void (BOLT at DC"]),
    "void, then planned anew": (
        "guided", [data({DC: 200}), ok("pia"), sweeps, ok("pia")], ["void: now 200 free", "1 wait", OK]
    ),
    "who could not sign voids nothing": (
        "guided", [data({DC: 200}), ok("iris"), ok("pia")], ["refused: role auditor", "void: now 200 free"]
    ),
    "somebody ordered the same": (
        "guided", [data(orders=(("PO-9", "BOLT", "NORTH", 60, 0, 7),)), ok("pia")],
        ["void: BOLT for NORTH: drafted on nothing else under way, now 60 more under way (PO-9 of 60 from SUP)"],
    ),
    "somebody ordered a little": ("guided", [data(orders=(("PO-9", "BOLT", "NORTH", 1, 0, 7),)), ok("pia")], [OK]),
    "somebody ordered for another site": (
        "guided", [data(orders=(("PO-9", "BOLT", "DC", 60, 0, 7),)), ok("pia")], [OK]
    ),
    "somebody ordered for much later": (
        "guided", [data(orders=(("PO-9", "BOLT", "NORTH", 60, 0, 40),)), ok("pia")], [OK]
    ),
    "somebody ordered for much later, and the policy looks that far": (
        "guided",
        [policy(("window_days = 14", "window_days = 60")), data(orders=(("PO-9", "BOLT", "NORTH", 60, 0, 40),)),
         ok("pia")],
        ["void: BOLT for NORTH: drafted on nothing else under way, now 60 more"],
    ),
    "somebody ordered for soon after, and the policy looks at the very days": (
        "guided",
        [policy(("window_days = 14", "window_days = 0")), data(orders=(("PO-9", "BOLT", "NORTH", 60, 0, 7),)),
         ok("pia")],
        [OK],
    ),
    "dearer by all that is allowed": ("guided", [data(factor=1.02), ok("pia")], [OK]),
    "dearer by more": ("guided", [data(factor=1.03), ok("pia")], ["void: BOLT: drafted on 4 EUR, now 4.12 EUR"]),
    "wider tolerance in the policy": (
        "guided", [policy(("free_units_percent = 10", "free_units_percent = 50")), data({DC: 200}), ok("pia")], [OK]
    ),
    "no tolerance in the policy": (
        "guided", [policy(("free_units_percent = 10", "free_units_percent = 0")), data({DC: 299}), ok("pia")],
        ["void: drafted on 300 free, now 299 free (0 % allowed)"],
    ),
    # policy and rights in between
    "a stricter policy": (
        "guided", [policy(*STRICTER), ok("pia"), ok("pia"), ok("ada")],
        ["waits: facts changed: now formal", "refused: pia holds none of the roles", OK],
    ),
    "a looser policy": ("formal", [policy(*LOOSER), ok("pia"), ok("ada"), ok("carl")],
                        ["refused: pia holds none", SECOND, OK]),
    "rights for later, before": ("guided", [rights(*NO_PLANNERS, hours=1), after(1, seconds=-1), ok("pia")], [OK]),
    "rights for later, after": (
        "guided", [rights(*NO_PLANNERS, hours=1), after(1), ok("pia"), ok("carl")], ["refused: pia holds none", OK]
    ),
    "role taken away in between": ("guided", [change("pia", roles=()), ok("pia")], ["refused: pia holds none"]),
    "locked out in between": ("guided", [change("pia", active=False), ok("pia")], ["refused: pia is not active"]),
    "the sum of the lane rises in between": (
        "dear", [ok("carl", first=True), all_of("pia", "NORTH"), all_of("ada", "NORTH")],
        [OK, "waits: facts changed: now formal", "approved: agree"],
    ),
    # standing in
    "a deputy signs": ("guided", [change("dora"), lend("pia", "dora"), ok("dora")], [OK]),
    "a deputy edits, another signs": (
        "guided",
        [change("dora"), lend("pia", "dora"), does("dora", "edit", quantities={1: 40}), ok("dora"), ok("otto")],
        ["waits: planner", "refused: dora asked for", OK],
    ),
    "a deputy rejects": ("guided", [change("dora"), lend("pia", "dora"), does("dora", "reject")], ["rejected:"]),
    "a delegation that is over": (
        "guided", [change("finn"), lend("pia", "finn", 1), after(1), ok("finn")], ["refused: finn holds none of the"]
    ),
    "a delegation a second before": (
        "guided", [change("finn"), lend("pia", "finn", 1), after(1, seconds=-1), ok("finn")], [OK]
    ),
    # snooze and wake
    "snooze, wake, sign": (
        "guided", [does("pia", "snooze", hours=5), recovers, ok("pia"), after(5), data(), sweeps, ok("pia")],
        ["snoozed:", "expired 0, escalated 0", "lost: is snoozed", "1 wait", OK],
    ),
    "a snooze without a date ends when the policy says": (
        "guided",
        [policy(("longest_wait_days = 30", "longest_wait_days = 2")),
         does("pia", "snooze", when="stock BOLT@NORTH below 1"), after(48, seconds=-1), recovers, after(0, seconds=1),
         recovers],
        ["snoozed:", "expired 0,", "expired 1,"],
    ),
    "a snoozed case does not fire": (
        "guided", [does("pia", "snooze", hours=99), data({NORTH: 0}), sweeps, after(24), data({NORTH: 0}), sweeps],
        ["snoozed:", "0 wait", "0 wait"],
    ),
    "its trouble goes and comes back while it sleeps": (
        "guided",
        [does("pia", "snooze", hours=99), data({NORTH: 900}), sweeps, data({NORTH: 901}), sweeps, data(), sweeps],
        ["snoozed:", "0 wait", "0 wait", "0 wait"],
    ),
    "until stock falls": (
        "guided", [does("pia", "snooze", when="stock BOLT@NORTH below 3"), recovers, data({NORTH: 2}), recovers],
        ["snoozed:", "expired 0, escalated 0", "expired 1, escalated 0"],
    ),
    "until stock rises": (
        "guided",
        [does("pia", "snooze", when="stock BOLT@NORTH above 4"), data(), recovers, data({NORTH: 5}), recovers],
        ["snoozed:", "expired 0,", "expired 1,"],
    ),
    "until newer data": (
        "guided", [does("pia", "snooze", when="data after 2024-04-08T06:30Z"), data(), recovers],
        ["snoozed:", "expired 1,"],
    ),
    "until a price": (
        "guided", [does("pia", "snooze", when="price BOLT from SUP above 4.10"), data(factor=1.025), recovers,
                   data(factor=1.03), recovers],
        ["snoozed:", "expired 0,", "expired 1,"],
    ),
    "until what is so already": (
        "guided", [does("pia", "snooze", when="stock BOLT@NORTH below 5")], ["refused: nothing to wait for: stock of"]
    ),
    "until an order nobody knows": (
        "guided", [does("pia", "snooze", when="order PO-77 received")], ["wrong: no order or transfer PO-77"]
    ),
    "a condition that never comes": (
        "guided", [does("pia", "snooze", when="stock BOLT@NORTH below 1"), after(24 * 30, seconds=-1), recovers,
                   after(seconds=1), recovers],
        ["snoozed:", "expired 0,", "expired 1,"],
    ),
    # escalate
    "escalate, then the planner tries": (
        "guided", [does("pia", "escalate"), ok("pia"), ok("ada")],
        ["waits: escalated by pia", "refused: it is with approver: ada", OK],
    ),
    "escalate twice": (
        "guided", [does("pia", "escalate"), does("otto", "escalate")],
        ["waits: escalated by pia", "refused: already needs formal approval"],
    ),
    "escalate what is formal": (
        "formal", [does("ada", "escalate"), ok("carl"), does("carl", "escalate")],
        ["waits: escalated by ada", SECOND, "refused: was escalated to central"],
    ),
    "the sweep escalates once": (
        "guided", [after(8), recovers, recovers, ok("pia")], ["expired 0, escalated 1", "expired 0, escalated 0", OK]
    ),
    "the sweep escalated, a person does": (
        "guided", [after(8), recovers, does("pia", "escalate")], ["expired 0, escalated 1", "refused: done once"]
    ),
    "escalated, and expired at once": (
        "guided", [after(24, seconds=-1), recovers, after(seconds=1), ok("ada")],
        ["expired 0, escalated 1", "refused: expired at"],
    ),
    # recall
    "recall in the window": ("automatic", [does("otto", "recall"), executes], ["recalled:", "nothing is due"]),
    "reject in the window": ("automatic", [does("pia", "reject"), executes], ["recalled:", "nothing is due"]),
    "recall at its end": (
        "automatic", [after(0.5), does("pia", "recall"), executes], ["refused: ended at", "executed"]
    ),
    "recall after it was sent": (
        "automatic", [after(0.5), executes, does("pia", "recall")], ["executed", "lost: can no longer be recalled"]
    ),
    "recall of what waits": ("guided", [does("pia", "recall")], ["refused: not approved yet: reject it instead"]),
    "an auditor recalls": ("automatic", [does("iris", "recall")], ["refused: iris (auditor) may not decide"]),
    "the first signer recalls": (
        "formal", [policy(RECALL), ok("ada"), ok("carl"), does("ada", "recall"), executes],
        [SECOND, OK, "recalled:", "nothing is due"],
    ),
    "no window, no recall": ("guided", [ok("pia"), does("pia", "recall")], [OK, "refused: ended at"]),
    # ask and delegate
    "ask, and sign without waiting": (
        "guided", [does("ada", "ask", text="why so many?"), ok("otto")], ["waits: planner", OK]
    ),
    "ask and answer": (
        "guided",
        [does("ada", "ask", text="why?"), does("otto", "answer", text="so"), does("pia", "answer", text="so"),
         does("pia", "answer", text="so")],
        ["waits:", "refused: no open question to otto; pia was asked", "waits:", "refused: no open question to pia"],
    ),
    "ask oneself": ("guided", [does("pia", "ask", text="why?")], ["refused: pia would ask themselves"]),
    "ask nobody there is": ("guided", [does("pia", "ask", to="zoe", text="?")], ["refused: zoe cannot be asked"]),
    "ask who may not see it": (
        "guided", [change("dora"), does("pia", "ask", to="dora", text="?")], ["refused: dora may not see"]
    ),
    "hand it to somebody who may sign": ("guided", [does("pia", "delegate", to="otto"), ok("otto")], ["waits:", OK]),
    "hand it to somebody who may not": (
        "formal", [does("ada", "delegate", to="pia")], ["refused: pia could not sign it (pia holds none"]
    ),
    "hand it to an auditor": ("guided", [does("pia", "delegate", to="iris")], ["refused: which never signs"]),
    "hand it to the same again": (
        "guided", [does("pia", "delegate", to="otto"), does("ada", "delegate", to="otto")],
        ["waits:", "refused: is the task of otto already"],
    ),
    "hand it back to the editor": (
        "guided", [does("otto", "edit", quantities={1: 40}), does("pia", "delegate", to="otto")],
        ["waits:", "refused: otto could not sign it (otto asked for this proposal"],
    ),
    # several at once
    "a batch of one lane": ("pair", [all_of("pia", "NORTH")], ["approved: agree | approved: agree"]),
    "a batch of two lanes": ("pair", [all_of("pia", "NORTH", "SOUTH")], ["refused: has lane DC>SOUTH"]),
    "a batch with one stale": (
        "pair", [data({DC: 200}), all_of("pia", "NORTH")],
        ["void: BOLT at DC: drafted on 300 free, now 200 free (10 % allowed) | approved: agree"],
    ),
    "a batch by an auditor": ("pair", [all_of("iris", "NORTH")], ["refused: iris holds the role auditor"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def tables(
    guided: World, automatic: World, formal: World, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, World]:
    """Worlds in which something waits."""
    root = tmp_path_factory.mktemp("pairs")
    pair = World(root / "pair", two_items_one_lane(), rollout="guided").furnish()
    dear = World(root / "dear", two_items_one_lane(cost=35.0), rollout="guided").furnish()
    for world in (pair, dear):
        world.desk.sweep()
    return {"guided": guided, "automatic": automatic, "formal": formal, "pair": pair, "dear": dear}


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_sequence_comes_out_as_it_must(tables: dict[str, World], a_copy: Copy, name: str) -> None:
    table, steps, expected = SEQUENCES[name]
    room = Room(a_copy(tables[table]))
    for step in steps:
        step(room)
    wanted = list(expected)
    assert len(room.told) == len(wanted), room.told
    for told, each in zip(room.told, wanted, strict=True):
        kind, _, text = each.partition(":")
        assert told.startswith(kind), (each, room.told)
        assert text.strip() in told, (each, room.told)
    assert_house_in_order(room.world)


def test_there_are_sixty_and_more() -> None:
    assert len(SEQUENCES) >= 60


def test_the_tolerances_the_sequences_rest_on_are_the_shipped_ones() -> None:
    assert "free_units_percent = 10\nprice_percent = 2\nequivalent_window_days = 14" in packaged_policy_text()
    assert "longest_wait_days = 30\n" in packaged_policy_text()
