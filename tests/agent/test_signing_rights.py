"""Four eyes: who may sign, for whom, and the sentence everybody else gets."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.signing_rights import Law, Signature, entitlement, may_approve, signatures_missing, why_not_delegate
from inventory.people import NEVER_SIGN, ROLES
from inventory.records import ActionKind, Tier, User
from tests.agent.draft_worlds import a_proposal
from tests.agent.gate_worlds import POLICY
from tests.agent.rights_worlds import CONTENT, LAW, NOON, a_delegation, a_user, waiting


def answer(user: User, tier: Tier = Tier.PLANNER, **changes: Any) -> str | None:
    """What the rules say to this user."""
    return may_approve(user, waiting(tier, **changes), LAW, NOON)


CENTRAL = {"user_id": "gita.central", "roles": ("central",), "sites": None}
ERIN = a_user(user_id="erin.approver", roles=("approver",), sites=None)
GITA = a_user(**CENTRAL)
CARA = a_user(user_id="cara.planner", sites=("FC-WEB",), value_limit_minor=10_00)


@pytest.mark.parametrize(
    ("user", "tier"),
    [
        (a_user(), Tier.PLANNER),
        (a_user(sites=("DC-EAST",)), Tier.PLANNER),
        (a_user(sites=None), Tier.PLANNER),
        (a_user(value_limit_minor=1_610_00), Tier.PLANNER),
        (a_user(item_classes=("standard",)), Tier.PLANNER),
        (a_user(), Tier.AUTO),
        (a_user(**CENTRAL), Tier.FORMAL),
        (a_user(roles=("finance",), sites=("DC-EAST", "WH-SOUTH")), Tier.FORMAL),
    ],
)
def test_people_with_the_right_may_sign(user: User, tier: Tier) -> None:
    assert answer(user, tier) is None


@pytest.mark.parametrize(
    ("user", "tier", "changes", "said"),
    [
        (a_user(**CENTRAL), Tier.ADVICE, {}, "may not be executed"),
        (a_user(active=False), Tier.PLANNER, {}, "not active"),
        (a_user(roles=("planner", "auditor")), Tier.PLANNER, {}, "role auditor"),
        (a_user(roles=("central", "administrator"), sites=None), Tier.FORMAL, {}, "role administrator"),
        (a_user(roles=("approver", "service"), sites=None), Tier.FORMAL, {}, "role service"),
        (a_user(), Tier.PLANNER, {"requested_by": "ben.planner"}, "asked for this proposal"),
        (a_user(), Tier.PLANNER, {"last_editor": "ben.planner"}, "edited this proposal last"),
        (a_user(**CENTRAL), Tier.FORMAL, {"signed": (Signature(by="gita.central"),)}, "signed this proposal already"),
        (a_user(sites=None), Tier.FORMAL, {}, "none of the roles approver, finance, central"),
        (a_user(roles=("buyer",)), Tier.PLANNER, {}, "none of the roles planner"),
        (a_user(roles=()), Tier.AUTO, {}, "none of the roles"),
        (a_user(sites=("FC-WEB",)), Tier.PLANNER, {}, "none of the sites DC-EAST, WH-SOUTH"),
        (a_user(sites=()), Tier.PLANNER, {}, "none of the sites"),
        (a_user(roles=("approver",), sites=("DC-EAST",)), Tier.FORMAL, {}, "no right over WH-SOUTH"),
        (a_user(item_classes=("consumable",)), Tier.PLANNER, {}, "items of class standard"),
        (a_user(value_limit_minor=1_609_99), Tier.PLANNER, {}, "1,610 EUR is above the limit of 1,609.99 EUR"),
    ],
)
def test_everybody_else_is_refused_with_the_reason(user: User, tier: Tier, changes: dict[str, Any], said: str) -> None:
    refusal = answer(user, tier, **changes)
    assert refusal is not None
    assert said in refusal


def test_a_proposal_that_touches_no_site_needs_somebody_with_every_site() -> None:
    nowhere = a_proposal(action=ActionKind.CORRECTION).content
    assert answer(a_user(), content=nowhere) is not None
    assert answer(a_user(sites=None), content=nowhere) is None


def test_a_limit_is_held_against_the_sum_of_the_parts_signed_before() -> None:
    assert answer(a_user(), value_minor=5_000_00) is None
    assert "5,000.01 EUR is above the limit of 5,000 EUR" in str(answer(a_user(), value_minor=5_000_01))


def test_a_role_the_ruling_names_may_sign_but_stands_for_itself_alone() -> None:
    finance = a_user(user_id="frank.finance", roles=("finance",))
    people = {user.user_id: user for user in (finance, a_user(), ERIN)}
    asked = waiting(needs_roles=("finance",))
    assert may_approve(finance, waiting(), LAW, NOON) is not None, "finance signs nothing of the planner tier by itself"
    assert may_approve(finance, asked, LAW, NOON) is None
    ben, frank = Signature(by="ben.planner"), Signature(by="frank.finance")
    missing = {
        signed: signatures_missing(asked.model_copy(update={"signed": signed}), LAW, people)
        for signed in ((), (ben,), (frank,), (ben, frank))
    }
    assert missing[(ben,)] == ("a signature of finance",)
    assert missing[(frank,)] == ("a signature of planner or approver or central",)
    assert missing[()] == (*missing[(frank,)], *missing[(ben,)])
    assert missing[(ben, frank)] == ()


def under(giver: User, taker: User, at: datetime = NOON, tier: Tier = Tier.PLANNER, **changes: Any) -> str | None:
    """What the rules say to a person who would sign for another."""
    terms = changes.pop("terms", {})
    made = a_delegation(giver.user_id, taker.user_id, **terms)
    return may_approve(taker, waiting(tier, **changes), LAW, at, giver=giver, delegation=made)


def test_whoever_stands_in_has_the_rights_of_the_other_and_no_more() -> None:
    assert answer(CARA) is not None
    assert under(a_user(), CARA) is None
    assert under(ERIN, CARA, tier=Tier.FORMAL) is None
    assert "above the limit" in str(under(a_user(value_limit_minor=1_609_99), CARA))
    assert "none of the roles" in str(under(a_user(), CARA, tier=Tier.FORMAL))


@pytest.mark.parametrize(
    ("giver", "changes", "said"),
    [
        (ERIN, {"requested_by": "erin.approver"}, "erin.approver asked for this proposal"),
        (ERIN, {"last_editor": "erin.approver"}, "erin.approver edited"),
        (ERIN, {"requested_by": "cara.planner"}, "cara.planner asked for this proposal"),
        (ERIN, {"signed": (Signature(by="erin.approver"),)}, "erin.approver has signed"),
        (ERIN, {"signed": (Signature(by="cara.planner"),)}, "cara.planner has signed"),
        (ERIN, {"signed": (Signature(by="x", on_behalf_of="erin.approver"),)}, "erin.approver has signed"),
        (ERIN.model_copy(update={"active": False}), {}, "erin.approver is not active"),
        (ERIN.model_copy(update={"roles": ("approver", "administrator")}), {}, "role administrator"),
        (ERIN, {"terms": {"sites": ("FC-WEB",)}}, "erin.approver is responsible for none"),
        (ERIN, {"terms": {"item_classes": ("regulated",)}}, "no right over items of class standard"),
        (ERIN, {"terms": {"to_user": "somebody.else"}}, "holds no delegation of erin.approver"),
        (ERIN, {"terms": {"from_user": "somebody.else"}}, "holds no delegation of erin.approver"),
        (ERIN, {"terms": {"revoked_at": NOON}}, "revoked at 2024-04-08 12:00:00"),
    ],
)
def test_a_delegation_makes_nobody_a_second_person(giver: User, changes: dict[str, Any], said: str) -> None:
    assert said in str(under(giver, CARA, **changes))


def test_a_delegation_ends_to_the_microsecond() -> None:
    tick = timedelta(microseconds=1)
    end = NOON + timedelta(days=1)
    assert "begins at 2024-04-08 12:00:00" in str(under(ERIN, CARA, NOON - tick))
    assert under(ERIN, CARA, NOON) is None
    assert under(ERIN, CARA, end - tick) is None
    assert "ended at 2024-04-09 12:00:00" in str(under(ERIN, CARA, end))


def test_what_is_no_delegation_lends_nothing() -> None:
    assert may_approve(GITA, waiting(), LAW, NOON, giver=ERIN) is not None
    assert may_approve(GITA, waiting(), LAW, NOON, delegation=a_delegation("erin.approver", "gita.central")) is not None


def test_the_own_right_goes_before_a_lent_one_and_both_names_are_kept() -> None:
    people = {user.user_id: user for user in (a_user(), ERIN, CARA)}
    lent = [a_delegation("gone", "cara.planner"), a_delegation("erin.approver", "cara.planner")]
    by_own = entitlement(a_user(), waiting(), LAW, NOON, [a_delegation("erin.approver", "ben.planner")], people)
    assert by_own == (Signature(by="ben.planner"), "")
    assert entitlement(CARA, waiting(Tier.FORMAL), LAW, NOON, lent, people) == (
        Signature(by="cara.planner", on_behalf_of="erin.approver"), "",
    )  # fmt: skip
    nobody, why = entitlement(CARA, waiting(Tier.FORMAL, requested_by="erin.approver"), LAW, NOON, lent, people)
    assert nobody is None
    assert "for gone: unknown" in why
    assert "for erin.approver: erin.approver asked for this proposal" in why


def test_lent_rights_are_not_lent_on() -> None:
    """Ben may act for Erin and Cara for Ben; Cara has Ben's own rights, never Erin's."""
    assert under(ERIN, a_user(), tier=Tier.FORMAL) is None
    assert under(a_user(), CARA, tier=Tier.FORMAL) is not None


@pytest.mark.parametrize(
    ("changes", "days", "said"),
    [
        ({}, 92, None),
        ({}, 93, "92 days at the most"),
        ({"roles": ("buyer",)}, 1, "holds no role that signs"),
        ({"roles": ("finance",)}, 1, None),
    ],
)
def test_only_rights_one_holds_are_handed_on(changes: dict[str, Any], days: int, said: str | None) -> None:
    made = a_delegation("ben.planner", "cara.planner", ends=NOON + timedelta(days=days))
    refusal = why_not_delegate(a_user(**changes), made, LAW)
    assert refusal is None if said is None else said in str(refusal)


PEOPLE = {
    name: a_user(user_id=name, roles=roles, sites=None, value_limit_minor=10_000_00)
    for name, roles in {
        "ann": ("approver",), "bob": ("approver",), "cay": ("finance",), "dan": ("planner",), "eve": ("central",)
    }.items()
}  # fmt: skip
NAMES = sorted(PEOPLE)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["", *NAMES])), max_size=8), st.sampled_from(NAMES))
def test_whatever_is_tried_two_people_are_four_hands(tries: list[tuple[str, str]], requester: str) -> None:
    """Everybody may act for everybody; still nobody appears twice, and the requester never."""
    asked = waiting(Tier.FORMAL, two_people=True, requested_by=requester, last_editor=requester)
    for taker, giver in tries:
        lent = a_delegation(giver, taker) if giver and giver != taker else None
        if may_approve(
            PEOPLE[taker], asked, LAW, NOON, giver=PEOPLE[giver] if lent else None, delegation=lent
        ) is None:  # fmt: skip
            made = Signature(by=taker, on_behalf_of=giver if lent else "")
            asked = asked.model_copy(update={"signed": (*asked.signed, made)})
    hands = [person for signature in asked.signed for person in signature.persons]
    assert len(hands) == len(set(hands))
    assert requester not in hands
    if not signatures_missing(asked, LAW, PEOPLE):
        assert len({signature.by for signature in asked.signed}) >= 2
        assert len({signature.holder for signature in asked.signed}) >= 2


@settings(max_examples=200, deadline=None)
@given(
    st.sets(st.sampled_from(ROLES), max_size=3),
    st.integers(0, 20_000_00),
    st.integers(0, 20_000_00),
    st.sampled_from([Tier.PLANNER, Tier.FORMAL]),
)
def test_more_value_never_lets_more_people_sign(roles: set[str], value: int, more: int, tier: Tier) -> None:
    user = a_user(roles=tuple(sorted(roles)), sites=None, value_limit_minor=15_000_00)
    if answer(user, tier, value_minor=value) is not None:
        assert answer(user, tier, value_minor=value + more) is not None
    if set(NEVER_SIGN) & roles:
        assert answer(user, tier, value_minor=value) is not None


@pytest.mark.parametrize("role", NEVER_SIGN)
def test_no_policy_lets_those_sign_who_never_do(role: str) -> None:
    lax = Law(POLICY.approvers.model_copy(update={"excluded": (), "planner": ("planner", role)}), LAW.rights)
    user = a_user(roles=("planner", role))
    assert f"role {role}, which never signs" in str(may_approve(user, waiting(), lax, NOON))
    signed = waiting(signed=(Signature(by=user.user_id),))
    assert signatures_missing(signed, lax, {user.user_id: user}) != ()


@pytest.mark.parametrize(
    "second",
    [
        Signature(by="erin.approver"),
        Signature(by="cara.planner", on_behalf_of="erin.approver"),
        Signature(by="erin.approver", on_behalf_of="gita.central"),
    ],
)
def test_two_signatures_that_share_a_person_count_as_one(second: Signature) -> None:
    """Even if such a row got into the table past the first check."""
    people = {user.user_id: user for user in (ERIN, GITA, CARA)}
    signed = waiting(Tier.FORMAL, two_people=True, signed=(Signature(by="erin.approver"), second))
    assert signatures_missing(signed, LAW, people) == ("a second person must sign",)


def test_both_documents_have_to_allow_a_role() -> None:
    tight = Law(POLICY.approvers.model_copy(update={"planner": ("central",)}), LAW.rights)
    assert "none of the roles central" in str(may_approve(a_user(), waiting(), tight, NOON))
    assert may_approve(GITA, waiting(), tight, NOON) is None


def test_a_right_taken_away_in_between_takes_the_signature_with_it() -> None:
    signed = waiting(Tier.FORMAL, two_people=True, signed=(Signature(by="erin.approver"), Signature(by="gita.central")))
    people = {user.user_id: user for user in (ERIN, GITA)}
    assert signatures_missing(signed, LAW, people) == ()
    for gone in (ERIN.model_copy(update={"active": False}), ERIN.model_copy(update={"roles": ("planner",)}),
                 ERIN.model_copy(update={"roles": ("approver", "auditor")})):  # fmt: skip
        assert signatures_missing(signed, LAW, {**people, "erin.approver": gone}) == ("a second person must sign",)
    assert signatures_missing(signed, LAW, {"gita.central": GITA}) == ("a second person must sign",)
    assert CONTENT.value_minor == 1_610_00
