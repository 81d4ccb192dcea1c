"""Rights at the command line: handing them on, standing in, and what the chain tells of any moment."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from agent.brief import make_brief
from agent.case_views import case_list
from inventory.people import find_user, save_user
from inventory.proposals import list_approvals
from inventory.record import canonical_record
from inventory.records import EVERYTHING
from inventory.tables import users
from service.bootstrap import House
from service.brief_text import brief_text
from tests.service.doors import ADMIN, APPROVER, AUDITOR, PLANNER, Doors, a_transfer

CARA = "cara.planner"


def approve(house: House, *more: str) -> tuple[str, ...]:
    proposal = a_transfer(house)
    words = ("decide", proposal.proposal_id, "approve", "--digest", proposal.digest[:12], "--reason", "agree")
    return (*words, *more)


def test_a_planner_hands_on_their_rights_and_both_names_are_kept(doors: Doors, house: House) -> None:
    proposal = a_transfer(house)
    words = approve(house, "--as", CARA)
    assert doors.knock(*words).exit_code != 0, "Cara has nothing to do with WH-SOUTH"
    until = house.clock() + timedelta(hours=1)
    terms = ("--until", f"{until:%Y-%m-%dT%H:%M:%SZ}", "--reason", "dentist")
    given = doors.knock("user", "delegate", PLANNER, CARA, *terms, "--as", PLANNER)
    assert given.exit_code == 0, given.stderr
    assert f"{CARA} acts for {PLANNER}, until" in given.stdout
    listed = doors.knock("user", "deputies", "--as", AUDITOR)
    assert "dentist" in listed.stdout
    assert "approver, then central" in listed.stdout
    assert f"({CARA} acts for {PLANNER})" in doors.knock("cases", proposal.content.case_id, "--as", PLANNER).stdout
    assert doors.knock("proposals", proposal.proposal_id, "--as", CARA).exit_code == 1
    seen = doors.answer("proposals", proposal.proposal_id, "--for", PLANNER, "--as", CARA)
    assert seen["digest"] == proposal.digest, "whoever signs for somebody sees what they sign"
    assert doors.knock("cases", "--for", APPROVER, "--as", CARA).exit_code == 1
    house.advance(1 - 1 / 3600)
    signed = doors.knock(*words)
    assert signed.exit_code == 0, signed.stderr
    with house.database.read() as connection:
        (approval,) = list_approvals(connection, EVERYTHING, proposal.proposal_id)
    assert (approval.by, approval.on_behalf_of) == (CARA, PLANNER)


def test_a_delegation_that_is_over_or_taken_back_opens_nothing(doors: Doors, house: House) -> None:
    words = approve(house, "--as", CARA)
    until = f"{house.clock() + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    assert doors.knock("user", "delegate", PLANNER, CARA, "--until", until, "--as", ADMIN).exit_code == 0
    assert doors.knock("user", "delegate", PLANNER, CARA, "--revoke", "--as", CARA).exit_code == 1
    revoked = doors.knock("user", "delegate", PLANNER, CARA, "--revoke", "--as", PLANNER)
    assert f"{CARA} no longer acts for {PLANNER}" in revoked.stdout
    assert doors.knock("user", "delegate", PLANNER, CARA, "--revoke", "--as", PLANNER).exit_code == 2
    assert doors.knock(*words).exit_code != 0
    assert doors.knock("user", "delegate", PLANNER, CARA, "--until", until, "--as", PLANNER).exit_code == 0
    house.advance(1)
    assert doors.knock(*words).exit_code != 0, "the very moment it ends it is void"


def test_what_may_not_be_handed_on_is_refused_and_leaves_nothing(doors: Doors, house: House) -> None:
    day, year = "2024-04-12", "2025-04-12"
    for words, said in (
        ((PLANNER, CARA, "--until", day, "--as", CARA), f"only {PLANNER} or an administrator may"),
        ((PLANNER, ADMIN, "--until", day, "--as", PLANNER), "role administrator, which never signs"),
        ((PLANNER, CARA, "--until", year, "--as", PLANNER), "92 days at the most"),
        ((PLANNER, CARA, "--until", "2023-04-12", "--as", PLANNER), "before it begins"),
        ((PLANNER, CARA, "--until", day, "--sites", "DC-EAST", "--as", PLANNER), "no right over site DC-EAST"),
        (("dev.buyer", CARA, "--until", day, "--as", "dev.buyer"), "holds no role that signs"),
        ((PLANNER, CARA, "--as", PLANNER), "--until MOMENT"),
        ((PLANNER, CARA, "--revoke", "--until", day, "--as", PLANNER), "--until MOMENT"),
    ):
        result = doors.knock("user", "delegate", *words)
        assert result.exit_code in (1, 2)
        assert said in result.stderr
    assert doors.answer("user", "deputies", "--as", ADMIN)["delegations"] == []


def test_the_chain_tells_the_rights_of_any_moment(doors: Doors, house: House) -> None:
    before = house.clock()
    now = house.advance(2)
    with house.database.write(ADMIN, now) as transaction:
        ben = find_user(transaction.connection, EVERYTHING, PLANNER)
        save_user(transaction, ben.model_copy(update={"roles": ("planner", "approver"), "value_limit_minor": 900_000}))
    then = doors.knock("user", "rights", PLANNER, "--at", f"{before:%Y-%m-%dT%H:%M:%SZ}", "--as", AUDITOR)
    assert then.exit_code == 0, then.stderr
    assert "UTC: planner\n" in then.stdout
    assert "signs up to 5,000 EUR" in then.stdout
    assert "by the rights document v1" in then.stdout
    today = doors.answer("user", "rights", PLANNER, "--as", AUDITOR)
    assert today["held"]["user"]["roles"] == ["planner", "approver"]
    assert "signs nothing" in doors.knock("user", "rights", AUDITOR, "--as", ADMIN).stdout
    assert doors.knock("user", "rights", PLANNER, "--at", "2030-01-01", "--as", AUDITOR).exit_code == 2
    assert doors.knock("user", "rights", PLANNER, "--at", "2020-01-01", "--as", AUDITOR).exit_code == 1


def test_a_role_set_by_hand_ends_with_the_exit_code_for_damage(doors: Doors, house: House) -> None:
    with house.database.write(ADMIN, house.clock()) as transaction:
        ben = find_user(transaction.connection, EVERYTHING, PLANNER)
        forged = ben.model_copy(update={"roles": ("planner", "central")})
        transaction.connection.execute(
            update(users).where(users.c.user_id == PLANNER).values(body=canonical_record(forged))
        )
    result = doors.knock("user", "rights", PLANNER, "--as", AUDITOR)
    assert result.exit_code == 4
    assert "UTC: planner\n" in result.stdout, "what is told is what the chain says"
    assert f"users {PLANNER}: roles is ['planner', 'central']" in result.stderr


def test_brief_and_queue_say_who_must_act(still_house: House) -> None:
    now = still_house.clock()
    with still_house.database.read() as connection:
        lines = {line.proposal_id: line for line in case_list(connection, EVERYTHING, everything=True, at=now).cases}
        unnamed = case_list(connection, EVERYTHING, everything=True).cases
        brief = make_brief(connection, EVERYTHING, now, None)
    assert lines[a_transfer(still_house).proposal_id].owner == f"planner: {PLANNER}"
    assert all(line.owner == "" for line in unnamed)
    assert f"planner: {PLANNER}" in {who for waiting in brief.waiting for who in waiting.who}
    assert "who must act" in brief_text(brief)
