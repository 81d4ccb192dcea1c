"""Changing a policy takes two people, a sound document and the newest version; every step is in the audit chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from agent.approval_policy import packaged_policy_text
from agent.errors import DecisionRefusedError, PolicyError
from agent.policy_calibration import keep_calibration
from agent.policy_changes import confirm, propose, roll_back, withdraw
from agent.policy_kinds import READERS, changes_between, problems_in
from agent.rights_document import packaged_rights_text
from agent.ruling import policy_in_force
from inventory.audit import entries
from inventory.database import Database
from inventory.errors import LostRaceError, NotFoundError
from inventory.log_report import examine_log
from inventory.people import save_user
from inventory.policy_drafts import PolicyDraft, adopt_draft, find_draft, list_drafts
from inventory.records import EVERYTHING, PolicyKind, PolicyVersion, User
from inventory.rulebook import find_policy, insert_policy, list_policies
from tests.inventory.conftest import template
from tests.inventory.worlds import NOW, a_database
from tools.calibration import CalibrationBin, CalibrationTable
from tools.stocking_policy import packaged_stocking_policy
from tools.thresholds import packaged_thresholds

__all__ = ["template"]

PACKAGED: dict[PolicyKind, str] = {
    "approval": packaged_policy_text(),
    "stocking": packaged_stocking_policy(),
    "thresholds": packaged_thresholds(),
    "rights": packaged_rights_text(),
}
NARROW = PACKAGED["approval"].replace("value_limit = 500", "value_limit = 400", 1)
NARROWER = PACKAGED["approval"].replace("value_limit = 500", "value_limit = 300", 1)
PEOPLE = {
    user.user_id: user
    for user in (
        User(user_id="hugo", name="Hugo", roles=("manager",)),
        User(user_id="gita", name="Gita", roles=("central",)),
        User(user_id="frank", name="Frank", roles=("finance",)),
        User(user_id="pia", name="Pia", roles=("planner",)),
        User(user_id="root", name="Root", roles=("administrator",)),
        User(user_id="both", name="Both", roles=("manager", "auditor")),
        User(user_id="north", name="North", roles=("manager",), sites=("NORTH",)),
        User(user_id="gone", name="Gone", roles=("manager",), active=False),
        User(user_id="evenkeel", name="Evenkeel", roles=("service",)),
    )
}


@pytest.fixture
def house(template: Path, tmp_path: Path) -> Iterator[Database]:
    """A database with the packaged policies and some people."""
    database = a_database(template, tmp_path)
    with database.write("evenkeel", NOW) as transaction:
        for user in PEOPLE.values():
            save_user(transaction, user)
        for kind, content in PACKAGED.items():
            insert_policy(
                transaction,
                PolicyVersion(kind=kind, version=1, content=content, author="evenkeel", effective_at=NOW),
            )
    yield database
    database.dispose()


def drafted(house: Database, content: str = NARROW, by: str = "hugo", kind: PolicyKind = "approval") -> PolicyDraft:
    return propose(house, PEOPLE[by], NOW, kind, content, "less by itself")


def adopted(house: Database, content: str, by: str = "hugo", second: str = "gita") -> PolicyVersion:
    draft = drafted(house, content, by)
    return confirm(house, PEOPLE[second], NOW, draft.draft_id, draft.digest[:12])


def in_force(house: Database, kind: PolicyKind = "approval", hours: float = 0.0) -> PolicyVersion:
    with house.read() as connection:
        return find_policy(connection, EVERYTHING, kind, at=NOW + timedelta(hours=hours))


def test_two_people_make_a_version_and_both_names_are_in_the_chain(house: Database) -> None:
    version = adopted(house, NARROW)
    assert (version.version, version.author, version.confirmed_by) == (2, "hugo", "gita")
    assert in_force(house) == version
    with house.read() as connection:
        told = [entry for entry in entries(connection) if entry.event.startswith("policy.")][-3:]
        assert policy_in_force(connection, at=NOW).version == 2
        (settled,) = list_drafts(connection, EVERYTHING, "approval")
    assert [(entry.event, entry.actor) for entry in told] == [
        ("policy.proposed", "hugo"), ("policy.confirmed", "gita"), ("policy.adopted", "gita"),
    ]  # fmt: skip
    assert told[-1].data["author"] == "hugo"
    assert told[-1].data["confirmed_by"] == "gita"
    assert (settled.state, settled.settled_by, settled.version) == ("adopted", "gita", 2)


@pytest.mark.parametrize("kind", READERS)
def test_every_kind_of_policy_goes_the_same_way(house: Database, kind: PolicyKind) -> None:
    draft = drafted(house, PACKAGED[kind] + "\n# a remark\n", kind=kind)
    assert confirm(house, PEOPLE["gita"], NOW, draft.draft_id, draft.digest).version == 2
    assert problems_in(kind, PACKAGED[kind]) == ()


@pytest.mark.parametrize("who", ["pia", "root", "both", "north", "gone", "evenkeel"])
def test_nobody_proposes_without_the_role_for_all_sites(house: Database, who: str) -> None:
    with pytest.raises(DecisionRefusedError, match=f"{who} .* may not propose a change of the approval policy"):
        drafted(house, by=who)


@pytest.mark.parametrize("who", ["frank", "pia", "root", "both", "north", "gone", "evenkeel"])
def test_nobody_confirms_without_the_role(house: Database, who: str) -> None:
    draft = drafted(house)
    with pytest.raises(DecisionRefusedError, match="may not confirm"):
        confirm(house, PEOPLE[who], NOW, draft.draft_id, draft.digest)
    assert in_force(house).version == 1


def test_an_administrator_may_propose_rights_and_never_confirm_them(house: Database) -> None:
    draft = drafted(house, PACKAGED["rights"] + "\n", by="root", kind="rights")
    with pytest.raises(DecisionRefusedError, match="root wrote"):
        confirm(house, PEOPLE["root"], NOW, draft.draft_id, draft.digest)
    assert confirm(house, PEOPLE["gita"], NOW, draft.draft_id, draft.digest).author == "root"


def test_an_author_never_confirms_their_own_draft(house: Database) -> None:
    draft = drafted(house)
    with pytest.raises(DecisionRefusedError, match="hugo wrote approval-draft-1 and may not confirm it"):
        confirm(house, PEOPLE["hugo"], NOW, draft.draft_id, draft.digest)


def test_the_database_itself_refuses_one_person_twice(house: Database) -> None:
    draft = drafted(house)
    with pytest.raises(IntegrityError, match="two_people"), house.write("hugo", NOW) as transaction:
        adopt_draft(transaction, draft, NOW)
    with pytest.raises(IntegrityError, match="two_people"), house.write("hugo", NOW) as transaction:
        transaction.connection.execute(text("UPDATE policy_drafts SET state = 'adopted', version = 2"))


def test_a_draft_changed_in_the_table_is_found_against_the_log(house: Database) -> None:
    adopted(house, NARROW)
    with house.read() as connection:
        assert examine_log(connection, house.anchor).sound
    with house.write("root", NOW) as transaction:
        transaction.connection.execute(text("UPDATE policy_drafts SET author = 'frank'"))
    with house.read() as connection:
        found = examine_log(connection, house.anchor)
    assert not found.sound
    assert "policy_drafts" in found.alarms[0].words


def test_a_role_taken_away_meanwhile_counts(house: Database) -> None:
    draft = drafted(house)
    with house.write("root", NOW) as transaction:
        save_user(transaction, PEOPLE["gita"].model_copy(update={"roles": ("planner",)}))
    with pytest.raises(DecisionRefusedError, match=r"gita .planner. may not confirm"):
        confirm(house, PEOPLE["gita"], NOW, draft.draft_id, draft.digest)


def test_a_draft_against_a_superseded_version_is_refused_with_what_to_compare(house: Database) -> None:
    late = drafted(house, NARROWER)
    adopted(house, NARROW)
    with pytest.raises(DecisionRefusedError, match="evenkeel policy diff --kind approval 1 2"):
        confirm(house, PEOPLE["gita"], NOW, late.draft_id, late.digest)
    assert in_force(house).version == 2


@pytest.mark.parametrize("prefix", ["", "abc", "0" * 12])
def test_only_the_draft_that_was_seen_is_confirmed(house: Database, prefix: str) -> None:
    draft = drafted(house)
    with pytest.raises(DecisionRefusedError, match="not the draft you saw"):
        confirm(house, PEOPLE["gita"], NOW, draft.draft_id, prefix)


def test_a_draft_is_settled_once(house: Database) -> None:
    draft = drafted(house)
    assert withdraw(house, PEOPLE["hugo"], NOW, draft.draft_id).state == "withdrawn"
    with pytest.raises(LostRaceError, match="settled already"):
        confirm(house, PEOPLE["gita"], NOW, draft.draft_id, draft.digest)
    other = drafted(house)
    assert withdraw(house, PEOPLE["gita"], NOW, other.draft_id).state == "rejected"
    third = drafted(house)
    with pytest.raises(DecisionRefusedError, match="may not confirm"):
        withdraw(house, PEOPLE["pia"], NOW, third.draft_id)
    with house.read() as connection, pytest.raises(NotFoundError, match="approval-draft-9"):
        find_draft(connection, EVERYTHING, "approval-draft-9")


def test_a_later_effect_waits_for_its_time_and_a_past_one_is_refused(house: Database) -> None:
    draft = drafted(house)
    with pytest.raises(DecisionRefusedError, match="cannot take effect in the past"):
        confirm(house, PEOPLE["gita"], NOW, draft.draft_id, draft.digest, NOW - timedelta(seconds=1))
    confirm(house, PEOPLE["gita"], NOW, draft.draft_id, draft.digest, NOW + timedelta(hours=2))
    assert [in_force(house, hours=hours).version for hours in (0.0, 1.999, 2.0, 9.0)] == [1, 1, 2, 2]


def test_a_version_adopted_meanwhile_stands_over_one_that_waits(house: Database) -> None:
    waiting = drafted(house)
    confirm(house, PEOPLE["gita"], NOW, waiting.draft_id, waiting.digest, NOW + timedelta(hours=2))
    adopted(house, NARROWER)
    assert [in_force(house, hours=hours).version for hours in (0.0, 3.0)] == [3, 3]


def test_going_back_is_a_new_version_with_the_old_content_through_two_people(house: Database) -> None:
    adopted(house, NARROW)
    draft = roll_back(house, PEOPLE["gita"], NOW, "approval", 1, "")
    assert (draft.reason, draft.content) == ("back to version 1", PACKAGED["approval"])
    with pytest.raises(DecisionRefusedError, match="gita wrote"):
        confirm(house, PEOPLE["gita"], NOW, draft.draft_id, draft.digest)
    back = confirm(house, PEOPLE["hugo"], NOW, draft.draft_id, draft.digest)
    assert (back.version, back.content) == (3, PACKAGED["approval"])
    with house.read() as connection:
        assert [policy.version for policy in list_policies(connection, EVERYTHING, "approval")] == [1, 2, 3]
    with pytest.raises(DecisionRefusedError, match="the same as version 3"):
        roll_back(house, PEOPLE["gita"], NOW, "approval", 1, "again")
    with pytest.raises(NotFoundError, match="approval policy 7"):
        roll_back(house, PEOPLE["gita"], NOW, "approval", 7, "")


@pytest.mark.parametrize(
    ("kind", "spoil", "named"),
    [
        ("approval", lambda text: text.replace("per_planner = 20", "per_planner = 0"), "queue.per_planner"),
        ("approval", lambda text: text + '\n[[layer]]\nsite = "N"\nnovelty.item_days = 1\n', "layer site=N: novelty"),
        ("stocking", lambda text: text.replace("review_days = 7", "review_days = 0"), "default.review_days"),
        ("thresholds", lambda text: text.replace("late_days", "late_dais", 1), "lacks .late_days."),
        ("rights", lambda text: text + "\nspeed = 1\n", "speed"),
        ("approval", lambda text: "[", "not TOML"),
    ],
)
def test_a_document_with_problems_is_never_a_draft(
    house: Database, kind: PolicyKind, spoil: Callable[[str], str], named: str
) -> None:
    with pytest.raises(PolicyError, match=named):
        drafted(house, spoil(PACKAGED[kind]), kind=kind)
    with house.read() as connection:
        assert list_drafts(connection, EVERYTHING) == []


def test_what_is_measured_is_nobodys_to_propose(house: Database) -> None:
    with pytest.raises(PolicyError, match="'calibration' is no policy"):
        propose(house, PEOPLE["hugo"], NOW, "calibration", "", "")


def table(*bins: tuple[float, int, float, float]) -> CalibrationTable:
    return CalibrationTable(
        measured_at=NOW, plan_run_id="plan-1", seed=1, cases=1, rounds=1, draws=1,
        bins=tuple(
            CalibrationBin(low=low, high=round(low + 0.1, 6), observations=many, stated=stated, observed=observed)
            for low, many, stated, observed in bins
        ),
    )  # fmt: skip


LOOSER = PACKAGED["approval"].replace("planner_below = 0.6", "planner_below = 0.5", 1)
SOUND = table((0.5, 150, 0.55, 0.51), (0.6, 200, 0.65, 0.70), (0.9, 400, 0.97, 0.96))


def test_a_looser_auto_threshold_needs_a_measurement(house: Database) -> None:
    with pytest.raises(PolicyError, match="nothing was measured yet that supports it"):
        drafted(house, LOOSER)
    with house.write("erin", NOW) as transaction:
        keep_calibration(transaction, SOUND)
    assert drafted(house, LOOSER).number == 1
    with house.read() as connection:
        stored = find_policy(connection, EVERYTHING, "calibration")
    assert (stored.version, stored.author) == (1, "erin")


@pytest.mark.parametrize(
    ("measured", "named"),
    [
        (table((0.5, 150, 0.55, 0.49), (0.9, 400, 0.97, 0.96)), "in its tenth with 55.0% on average only 49.0%"),
        (table((0.5, 150, 0.55, 0.55), (0.9, 400, 0.97, 0.85)), "at 0.5 or above with 85.5% on average only 76.8%"),
        (table((0.5, 99, 0.55, 0.55), (0.9, 400, 0.97, 0.96)), "only 99 choices were stated from 0.5 to 0.6"),
        (table((0.4, 900, 0.45, 0.45), (0.9, 199, 0.97, 0.97)), "only 199 choices were stated there or above"),
    ],
)
def test_a_threshold_the_table_does_not_support_is_refused(
    house: Database, measured: CalibrationTable, named: str
) -> None:
    with house.write("erin", NOW) as transaction:
        keep_calibration(transaction, measured)
    with pytest.raises(PolicyError, match=named):
        drafted(house, LOOSER)


def test_a_layers_auto_threshold_is_held_against_the_table_too(house: Database) -> None:
    with house.write("erin", NOW) as transaction:
        keep_calibration(transaction, table((0.6, 150, 0.65, 0.65), (0.9, 300, 0.97, 0.80)))
    layer = '\n[[layer]]\nsite = "N"\nconfidence.planner_below = 0.9\n'
    with pytest.raises(PolicyError, match=r"layer site=N: confidence.planner_below = 0.9"):
        drafted(house, PACKAGED["approval"] + layer)


def test_a_difference_says_from_what_to_what_and_which_way() -> None:
    after = LOOSER.replace("auto_per_site_day = 2_000", "auto_per_site_day = 1_500") + (
        '\n[[layer]]\nsite = "N"\nnovelty.item_days = 100\n'
    )
    found = {change.key: change for change in changes_between("approval", PACKAGED["approval"], after)}
    assert set(found) == {
        "confidence.planner_below", "budget.auto_per_site_day", "layer[site=N].site", "layer[site=N].novelty.item_days",
    }  # fmt: skip
    assert (found["confidence.planner_below"].before, found["confidence.planner_below"].after) == ("0.6", "0.5")
    assert found["confidence.planner_below"].effect == "looser"
    assert found["budget.auto_per_site_day"].effect == "tighter"
    rows = changes_between("approval", PACKAGED["approval"], NARROW)
    assert [(row.key, row.before, row.after, row.effect) for row in rows] == [
        ("auto.transfer.consumable", "500", "400", "tighter")
    ]
    assert changes_between("stocking", PACKAGED["stocking"], PACKAGED["stocking"]) == ()
