"""Who may bring in, confirm and end written rules: as the rights document says, in the deciding transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from agent.document_changes import confirm, end, settle_suggestion, suggest_rule, upload
from agent.errors import DecisionRefusedError, PolicyError
from agent.rights_document import load_rights, packaged_rights_text
from inventory.anchor import Anchor
from inventory.database import Database
from inventory.document_life import Ending
from inventory.document_revisions import DocumentRevision
from inventory.document_scan import scan_document
from inventory.errors import LostRaceError, NotFoundError
from inventory.machine_rules import DonorFloor
from inventory.machine_rules_suggestions import RuleSuggestion
from inventory.machine_rules_words import as_toml
from inventory.people import save_user
from inventory.records import DocumentOfRecord, PolicyVersion, User
from inventory.rulebook import insert_policy

NOW = datetime(2024, 4, 8, 6, tzinfo=UTC)
SOP = DocumentOfRecord(
    document_id="SOP-12",
    title="Transfers",
    version=1,
    text="A donor keeps fourteen days.",
    effective_from=date(2024, 4, 8),
    sites=("EAST",),
    added_by="mara",
    added_at=NOW,
)
FLOOR = DonorFloor(rule_id="R-12", document_id="SOP-12", version=1, clause="1.1", sites=("EAST",), days=14)
MARA, CARL, EAST, WEST, PIA, ADMIN, GONE = PEOPLE = (
    User(user_id="mara", name="Mara", roles=("manager",)),
    User(user_id="carl", name="Carl", roles=("central",)),
    User(user_id="east", name="East", roles=("manager",), sites=("EAST", "NORTH")),
    User(user_id="west", name="West", roles=("manager",), sites=("WEST",)),
    User(user_id="pia", name="Pia", roles=("planner",)),
    User(user_id="root", name="Root", roles=("administrator",)),
    User(user_id="gone", name="Gone", roles=("central",), active=False),
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database that knows the people."""
    fresh = Database(tmp_path / "evenkeel.db", Anchor(tmp_path / "evenkeel.anchor"))
    fresh.migrate()
    with fresh.write("root", NOW) as transaction:
        for person in PEOPLE:
            save_user(transaction, person)
    yield fresh
    fresh.dispose()


def bring(database: Database, by: User = MARA, document: DocumentOfRecord = SOP) -> DocumentRevision:
    mine = document.model_copy(update={"added_by": by.user_id})
    scan = scan_document(mine.text.encode(), mine.text).scan
    ((kept, _),) = upload(database, by, NOW, [(mine, scan, ())])
    return kept


def approve(database: Database, by: User, kept: DocumentRevision) -> DocumentRevision:
    return confirm(database, by, NOW, "SOP-12", 1, kept.digest[:12])


@pytest.mark.parametrize("by", [MARA, CARL, EAST, ADMIN], ids=lambda user: user.user_id)
def test_those_the_rights_document_names_bring_documents_in(database: Database, by: User) -> None:
    assert bring(database, by).state == "uploaded"


@pytest.mark.parametrize(("by", "why"), [(PIA, "it takes central, manager"), (GONE, "gone"), (WEST, "WEST only")])
def test_others_do_not_and_nothing_is_kept(database: Database, by: User, why: str) -> None:
    with pytest.raises(DecisionRefusedError, match=why):
        bring(database, by)
    with pytest.raises(NotFoundError, match="there is none"):
        end(database, CARL, NOW, "SOP-12", 1, "refused", "")


def test_all_of_an_upload_is_kept_or_nothing(database: Database) -> None:
    scan = scan_document(b"", "words").scan
    elsewhere = SOP.model_copy(update={"document_id": "SOP-13", "sites": ("WEST",), "added_by": "east"})
    with pytest.raises(DecisionRefusedError, match="SOP-13"):
        upload(database, EAST, NOW, [(SOP.model_copy(update={"added_by": "east"}), scan, ()), (elsewhere, scan, ())])
    assert bring(database).document.added_by == "mara"


@pytest.mark.parametrize("by", [CARL, EAST], ids=lambda user: user.user_id)
def test_a_second_person_with_the_right_confirms(database: Database, by: User) -> None:
    assert approve(database, by, bring(database)).confirmed_by == by.user_id


@pytest.mark.parametrize(
    ("by", "why"),
    [
        (MARA, "uploaded SOP-12@v1"),
        (ADMIN, "may not confirm"),
        (PIA, "may not confirm"),
        (WEST, "WEST only"),
        (GONE, "gone"),
    ],
)
def test_nobody_else_does(database: Database, by: User, why: str) -> None:
    kept = bring(database)
    with pytest.raises(DecisionRefusedError, match=why):
        approve(database, by, kept)


@pytest.mark.parametrize("digest", ["", "1234567", "0" * 12])
def test_a_confirmation_names_what_was_seen(database: Database, digest: str) -> None:
    bring(database)
    with pytest.raises(DecisionRefusedError, match="it is not what you saw"):
        confirm(database, CARL, NOW, "SOP-12", 1, digest)


@pytest.mark.parametrize("ending", ["withdrawn", "deleted"])
def test_ending_a_document_takes_the_right_to_confirm(database: Database, ending: Ending) -> None:
    approve(database, CARL, bring(database))
    for by in (PIA, ADMIN, WEST, GONE):
        with pytest.raises(DecisionRefusedError, match="may not confirm"):
            end(database, by, NOW, "SOP-12", 1, ending, "")
    assert end(database, CARL, NOW, "SOP-12", 1, ending, "wrong").state == ending


def test_whoever_uploaded_takes_it_back_and_others_need_the_right(database: Database) -> None:
    bring(database, ADMIN)
    with pytest.raises(DecisionRefusedError):
        end(database, PIA, NOW, "SOP-12", 1, "refused", "")
    assert end(database, ADMIN, NOW, "SOP-12", 1, "refused", "").state == "refused"
    with pytest.raises(LostRaceError):
        end(database, CARL, NOW, "SOP-12", 1, "refused", "")


def test_roles_are_those_of_the_rights_in_force(database: Database) -> None:
    text = packaged_rights_text().replace('confirm = ["central", "manager"]', 'confirm = ["finance"]')
    with database.write("root", NOW) as transaction:
        insert_policy(
            transaction, PolicyVersion(kind="rights", version=1, content=text, author="root", effective_at=NOW)
        )
        save_user(transaction, User(user_id="fred", name="Fred", roles=("finance",)))
    kept = bring(database)
    with pytest.raises(DecisionRefusedError, match="it takes finance"):
        approve(database, CARL, kept)
    assert approve(database, User(user_id="fred", name="Fred", roles=()), kept).confirmed_by == "fred"


@pytest.mark.parametrize(("roles", "why"), [('["pope"]', "is no role"), ('["auditor"]', "never signs")])
def test_the_rights_document_names_roles_that_can_confirm(roles: str, why: str) -> None:
    with pytest.raises(PolicyError, match=why):
        load_rights(packaged_rights_text().replace('confirm = ["central", "manager"]', f"confirm = {roles}"))


def test_rights_of_before_written_rules_were_named_hold_as_they_are_shipped() -> None:
    text = packaged_rights_text()
    first = text.index("[written_rules]")
    before = text[:first] + text[text.index("[[task]]") :]
    assert "upload" not in before
    assert load_rights(before).written_rules == load_rights(text).written_rules


def suggested(database: Database, by: User, wording: str = "person") -> RuleSuggestion:
    return suggest_rule(database, by, NOW, FLOOR, as_toml(FLOOR), "model" if wording == "model" else "person")


def test_anybody_may_ask_a_model_and_only_a_second_person_confirms(database: Database) -> None:
    approve(database, CARL, bring(database))
    with pytest.raises(DecisionRefusedError, match="may not upload"):
        suggested(database, PIA)
    kept = suggested(database, PIA, "model")
    for by in (PIA, ADMIN, WEST):
        with pytest.raises(DecisionRefusedError):
            settle_suggestion(database, by, NOW, kept.suggestion_id, "confirm")
    assert settle_suggestion(database, EAST, NOW, kept.suggestion_id, "confirm").state == "confirmed"


def test_whoever_suggested_takes_it_back_and_does_not_confirm_it(database: Database) -> None:
    approve(database, CARL, bring(database))
    kept = suggested(database, MARA)
    with pytest.raises(DecisionRefusedError, match="mara suggested"):
        settle_suggestion(database, MARA, NOW, kept.suggestion_id, "confirm")
    assert settle_suggestion(database, MARA, NOW, kept.suggestion_id, "refuse").state == "refused"
