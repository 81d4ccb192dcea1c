"""People around one proposal at the real desk: steps that decide, and steps that change the world in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from agent.approval_policy import packaged_policy_text
from agent.deciding.conditions import condition_of
from agent.decisions import Decision
from agent.errors import DecisionRefusedError
from inventory.chronicle import KILL_SWITCH, set_switch
from inventory.delegations import grant
from inventory.errors import LostRaceError
from inventory.people import find_user, save_user
from inventory.records import EVERYTHING, PolicyKind, PolicyVersion, Proposal, ProposalState, User
from inventory.rulebook import insert_policy
from tests.agent.rights_worlds import rights_with
from tests.worlds import ItemSite, Lane, Network, World
from tools.errors import ToolInputError

S = ProposalState
DORA = User(user_id="dora", name="Dora Deputy", roles=("planner",), sites=("SOUTH",), value_limit_minor=1)
FINN = User(user_id="finn", name="Finn Finance", roles=("finance",), value_limit_minor=50_000_000)


def two_items_one_lane(cost: float = 4.0) -> Network:
    """Two items short at the same store, both to be had over one lane, and one short at another store."""
    return Network(
        item_sites=(
            *(ItemSite(item, "DC", 10, 300, "consumable", cost, cost * 2.5) for item in ("BOLT", "NUT", "PIN")),
            ItemSite("BOLT", "NORTH", 20, 4, "consumable", cost, cost * 2.5),
            ItemSite("NUT", "NORTH", 20, 4, "consumable", cost, cost * 2.5),
            ItemSite("PIN", "SOUTH", 20, 4, "consumable", cost, cost * 2.5),
        ),
        lanes=(Lane("DC", "NORTH"), Lane("DC", "SOUTH")),
    )


@dataclass
class Room:
    """A world, the proposal people look at, and what each of them was told."""

    world: World
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.seen = max(self.world.proposals(S.PENDING, S.APPROVED), key=lambda p: p.proposal_id)
        self.first = self.seen

    def person(self, name: str) -> User:
        """Somebody as stored now."""
        with self.world.database.read() as connection:
            return find_user(connection, EVERYTHING, name)

    def say(self, after: Proposal) -> None:
        """Write down what a decision came to, and look at what it made."""
        words = f"{'waits' if after.state is S.PENDING else after.state.value}: {after.reason}"
        self.told.append(words)
        self.seen = after


Step = Callable[[Room], None]


def does(name: str, verb: str, *, first: bool = False, **more: Any) -> Step:
    """Somebody decides about what they see, or about the first version."""

    def step(room: Room) -> None:
        seen = room.first if first else room.seen
        if "when" in more:
            more["when"] = condition_of(more["when"]) if isinstance(more["when"], str) else more["when"]
        if "hours" in more:
            more["until"] = room.world.clock() + timedelta(hours=more.pop("hours"))
        why = {"reason": "strategy", "text": "as agreed"} if verb in ("edit", "reject", "recall") else {}
        said = {"proposal_id": seen.proposal_id, "digest_prefix": seen.digest[:12], "verb": verb, **why, **more}
        try:
            room.say(room.world.desk.decide(Decision.model_validate(said), room.person(name)))
        except DecisionRefusedError as error:
            room.told.append(f"refused: {error}")
        except LostRaceError as error:
            room.told.append(f"lost: {error}")
        except ToolInputError as error:
            room.told.append(f"wrong: {error}")

    return step


def ok(name: str, **more: Any) -> Step:
    """Somebody approves what they see."""
    return does(name, "approve", **more)


def all_of(name: str, *sites: str) -> Step:
    """Somebody approves everything that waits for some sites, in one batch."""

    def step(room: Room) -> None:
        waiting = [p for p in room.world.proposals(S.PENDING) if set(sites) & set(p.content.sites)]
        said = [
            Decision(proposal_id=p.proposal_id, digest_prefix=p.digest[:12], verb="approve")
            for p in sorted(waiting, key=lambda p: p.content.lines[0].item)
        ]
        try:
            rows = room.world.desk.approve_all(said, room.person(name))
            room.told.append(" | ".join(f"{row.outcome}: {row.words}" for row in rows))
        except DecisionRefusedError as error:
            room.told.append(f"refused: {error}")

    return step


def after(hours: float = 0, *, seconds: float = 0) -> Step:
    """Time passes."""

    def step(room: Room) -> None:
        room.world.clock.at += timedelta(hours=hours, seconds=seconds)

    return step


def data(
    stock: dict[tuple[str, str], int] | None = None,
    orders: tuple[tuple[str, str, str, int, int, int], ...] = (),
    factor: float = 1.0,
) -> Step:
    """New data comes in: other stock, orders somebody made, other prices."""

    def step(room: Room) -> None:
        world = room.world
        world.clock.at += timedelta(hours=1)
        network = world.network.with_stock(stock or {})
        dearer = tuple(replace(place, cost=place.cost * factor) for place in network.item_sites)
        world.deliver(replace(network, item_sites=dearer, open_orders=orders))

    return step


def sweeps(room: Room) -> None:
    """The desk looks at everything, and people at what waits."""
    room.world.desk.sweep()
    waiting = room.world.proposals(S.PENDING)
    room.told.append(f"{len(waiting)} wait")
    room.seen = waiting[0] if waiting else room.seen


def recovers(room: Room) -> None:
    """The desk puts right what time left behind."""
    done = room.world.desk.recover()
    room.told.append(f"expired {len(done.expired)}, escalated {len(done.escalated)}")


def executes(room: Room) -> None:
    """What is due is sent."""
    room.told.append(", ".join(run.state.value for run in room.world.desk.execute()) or "nothing is due")


def change(name: str, **what: Any) -> Step:
    """Somebody's rights change, or somebody is new."""

    def step(room: Room) -> None:
        known = {"dora": DORA, "finn": FINN}.get(name) or room.person(name)
        with room.world.database.write("root", room.world.clock()) as transaction:
            save_user(transaction, known.model_copy(update=what))

    return step


def lend(giver: str, taker: str, hours: float = 24) -> Step:
    """Somebody lets somebody act for them."""

    def step(room: Room) -> None:
        now = room.world.clock()
        with room.world.database.write(giver, now) as transaction:
            grant(transaction, giver, taker, ends=now + timedelta(hours=hours))

    return step


def policy(*replaced: tuple[str, str], version: int = 2) -> Step:
    """Another version of the approval policy comes into force."""
    text = packaged_policy_text()
    for old, new in replaced:
        assert old in text, old
        text = text.replace(old, new)
    return _adopted("approval", text, version)


def rights(*replaced: tuple[str, str], hours: float = 0) -> Step:
    """Another version of the rights document is adopted, for now or for later."""
    return _adopted("rights", rights_with(*replaced), 1, hours)


def _adopted(kind: PolicyKind, text: str, version: int, hours: float = 0) -> Step:
    def step(room: Room) -> None:
        now = room.world.clock()
        with room.world.database.write("root", now) as transaction:
            insert_policy(
                transaction,
                PolicyVersion(
                    kind=kind, version=version, content=text, author="root", effective_at=now + timedelta(hours=hours)
                ),
            )

    return step


def switch(on: bool) -> Step:
    """The kill switch is turned."""

    def step(room: Room) -> None:
        with room.world.database.write("root", room.world.clock()) as transaction:
            set_switch(transaction, KILL_SWITCH, on)

    return step
