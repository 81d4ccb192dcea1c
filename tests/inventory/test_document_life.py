"""The life of a document: two people, conditional arrows, one log, and a state that follows from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from alembic import command
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from inventory.audit import entries
from inventory.audit_folds import a_book
from inventory.audit_mirrors import READERS
from inventory.audit_state import differences
from inventory.chain import AuditEntry
from inventory.database import Database
from inventory.document_life import Ending, confirm_document, end_document, upload_document
from inventory.document_revisions import DocumentRevision, find_revision, list_revisions, list_speaking
from inventory.document_scan import scan_document
from inventory.document_windows import corpus_digest
from inventory.errors import LostRaceError, NotFoundError, StoreError
from inventory.machine_rules import DonorFloor, RuleRecord
from inventory.migrate import migrate
from inventory.postgres import migrating_engine
from inventory.record import canonical_record, digest_text
from inventory.records import EVERYTHING, DocumentOfRecord
from inventory.tables import documents, machine_rules
from tests.inventory.worlds import GHENT, GHENT_PLANNER, NOW, PORTO, PORTO_PLANNER, TODAY
from tests.written_rules import SECOND_PERSON, put_in_force

SOP = DocumentOfRecord(
    document_id="SOP-12",
    title="Transfers between plants",
    version=1,
    text="A plant keeps fourteen days.",
    effective_from=TODAY,
    sites=(PORTO,),
    added_by="mette",
    added_at=NOW,
)
FLOOR = DonorFloor(rule_id="R-12", document_id="SOP-12", version=1, clause="1.1", sites=(PORTO,), days=14)
SCAN = scan_document(b"as it came", SOP.text + "\u200b").scan


def upload(database: Database, document: DocumentOfRecord = SOP, *rules: RuleRecord) -> bool:
    with database.write(document.added_by, NOW) as transaction:
        return upload_document(transaction, document, SCAN, rules)


def confirm(
    database: Database, by: str = "ines", digest: str | None = None, document_id: str = "SOP-12"
) -> DocumentRevision:
    with database.write(by, NOW) as transaction:
        seen = find_revision(transaction.connection, EVERYTHING, document_id, 1)
        return confirm_document(transaction, document_id, 1, digest or seen.digest)


def end(database: Database, ending: Ending, days: int = 0, version: int = 1) -> DocumentRevision:
    with database.write("ines", NOW + timedelta(days=days)) as transaction:
        return end_document(transaction, "SOP-12", version, ending, "why not")


def speaking(database: Database) -> list[tuple[int, date | None]]:
    with database.read() as connection:
        return [(each.version, each.effective_to) for each in list_speaking(connection, EVERYTHING)]


def log(database: Database) -> list[AuditEntry]:
    with database.read() as connection:
        return [*entries(connection)]


def wrong(database: Database) -> list[str]:
    """What the tables say that the log does not."""
    book = a_book()
    for entry in log(database):
        book.observe(entry)
    with database.read() as connection:
        return [each.words for each in differences(book, connection, READERS)]


def test_a_version_speaks_from_when_a_second_person_confirmed_it(database: Database) -> None:
    assert upload(database, SOP, FLOOR)
    assert speaking(database) == []
    done = confirm(database)
    assert (done.state, done.confirmed_by, done.rules) == ("confirmed", "ines", (FLOOR,))
    assert speaking(database) == [(1, None)]
    uploaded, confirmed = log(database)
    assert (uploaded.event, confirmed.event) == ("document.uploaded", "document.confirmed")
    assert (uploaded.data["text"], uploaded.data["hidden"]) == (digest_text(SOP.text), {"zero width": 1})
    assert confirmed.data["digest"] == done.digest
    assert wrong(database) == []


def test_whoever_uploaded_it_does_not_confirm_it(database: Database) -> None:
    upload(database)
    with pytest.raises(StoreError, match="mette uploaded SOP-12@v1 and may not confirm it"):
        confirm(database, "mette")
    with pytest.raises(IntegrityError, match="two_people"), database.write("mette", NOW) as transaction:
        transaction.connection.execute(
            update(documents).values(state="confirmed", confirmed_by="mette", confirmed_at=NOW)
        )
    assert speaking(database) == []


def test_what_is_confirmed_is_what_was_seen(database: Database) -> None:
    upload(database, SOP, FLOOR)
    with database.read() as connection:
        seen = find_revision(connection, EVERYTHING, "SOP-12", 1)
    parts = [
        seen.model_copy(update={"document": SOP.model_copy(update={"effective_to": TODAY})}),
        seen.model_copy(update={"rules": (FLOOR.model_copy(update={"days": 15}),)}),
        seen.model_copy(update={"scan": SCAN.model_copy(update={"hidden": {}})}),
    ]
    assert len({seen.digest, *(part.digest for part in parts)}) == 4
    for other in parts:
        with pytest.raises(StoreError, match="it is not what you saw"):
            confirm(database, digest=other.digest)


def test_the_same_again_is_a_replay_and_a_change_needs_a_new_version(database: Database) -> None:
    assert upload(database, SOP, FLOOR)
    assert not upload(database, SOP.model_copy(update={"added_by": "ines"}), FLOOR)
    for changed, rules in (
        (SOP.model_copy(update={"text": "A plant keeps ten days."}), (FLOOR,)),
        (SOP.model_copy(update={"sites": ()}), (FLOOR,)),
        (SOP, (FLOOR.model_copy(update={"days": 1}),)),
        (SOP, ()),
    ):
        with pytest.raises(StoreError, match="SOP-12 version 1 exists with another text, scope, dates or rules"):
            upload(database, changed, *rules)
    assert len(log(database)) == 1


def test_a_rule_belongs_to_its_document_and_its_id_to_one(database: Database) -> None:
    with pytest.raises(StoreError, match=r"rule R-12 implements SOP-12@v1#1\.1, not a clause of SOP-99@v1"):
        upload(database, SOP.model_copy(update={"document_id": "SOP-99"}), FLOOR)
    upload(database, SOP, FLOOR)
    confirm(database)
    thief = SOP.model_copy(update={"document_id": "SOP-13"})
    upload(database, thief, FLOOR.model_copy(update={"document_id": "SOP-13"}))
    with pytest.raises(StoreError, match=r"rule R-12: SOP-12 v1 has a rule of that id"):
        confirm(database, document_id="SOP-13")
    end(database, "withdrawn", days=1)
    later = thief.model_copy(update={"version": 2, "effective_from": TODAY + timedelta(days=1)})
    put_in_force(database, later, (FLOOR.model_copy(update={"document_id": "SOP-13", "version": 2}),))


def test_a_newer_version_supersedes_and_withdrawing_it_brings_nothing_back(database: Database) -> None:
    put_in_force(database, SOP)
    second = SOP.model_copy(update={"version": 2, "effective_from": TODAY + timedelta(days=5)})
    put_in_force(database, second)
    assert speaking(database) == [(1, TODAY + timedelta(days=4)), (2, None)]
    end(database, "withdrawn", days=9, version=2)
    assert speaking(database) == [(1, TODAY + timedelta(days=4)), (2, TODAY + timedelta(days=8))]
    assert wrong(database) == []


ARROWS: list[tuple[list[Callable[[Database], object]], Ending | str]] = [
    ([], "withdrawn"),
    ([], "deleted"),
    ([confirm], "refused"),
    ([confirm], "confirmed"),
    ([lambda database: end(database, "refused")], "confirmed"),
    ([lambda database: end(database, "refused")], "withdrawn"),
    ([confirm, lambda database: end(database, "withdrawn")], "confirmed"),
    ([confirm, lambda database: end(database, "withdrawn")], "withdrawn"),
    ([confirm, lambda database: end(database, "deleted")], "deleted"),
    ([confirm, lambda database: end(database, "deleted")], "confirmed"),
]


@pytest.mark.parametrize(("before", "arrow"), ARROWS, ids=lambda value: value if isinstance(value, str) else "")
def test_an_arrow_that_is_not_there_changes_nothing(
    database: Database, before: list[Callable[[Database], object]], arrow: str
) -> None:
    upload(database)
    for step in before:
        step(database)
    told = log(database)
    with pytest.raises(LostRaceError, match="it can only be"):
        confirm(database) if arrow == "confirmed" else end(database, arrow)  # type: ignore[arg-type]  # by the table above
    assert log(database) == told


def test_deleting_takes_the_text_away_and_keeps_who_and_what(database: Database) -> None:
    upload(database)
    confirm(database)
    gone = end(database, "deleted")
    assert (gone.document.text, gone.confirmed_by, gone.ended_by) == ("", "ines", "ines")
    assert speaking(database) == []
    assert "fourteen" not in "".join(entry.body for entry in log(database)), "the log holds the digest alone"
    assert wrong(database) == []
    with pytest.raises(StoreError, match="exists and was deleted"):
        upload(database)


def test_the_corpus_has_another_name_whenever_something_came_to_speak_or_fell_silent(database: Database) -> None:
    names: list[str] = []

    def named() -> None:
        with database.read() as connection:
            names.append(corpus_digest(connection))

    named()
    upload(database)
    named()
    assert names[0] == names[1], "an upload speaks to nobody"
    for step in (confirm, lambda each: end(each, "withdrawn", days=2), lambda each: end(each, "deleted", days=3)):
        step(database)
        named()
    assert len(set(names)) == 4 - 1, "nothing, the version, the version until it was withdrawn, nothing"
    assert names[-1] == names[0]


def test_documents_are_shown_where_they_apply(database: Database) -> None:
    everywhere = SOP.model_copy(update={"document_id": "SOP-01", "sites": ()})
    elsewhere = SOP.model_copy(update={"document_id": "SOP-30", "sites": (GHENT,)})
    for document in (SOP, elsewhere, everywhere):
        put_in_force(database, document)
    with database.read() as connection:
        assert list_speaking(connection, PORTO_PLANNER) == [everywhere, SOP]
        assert [each.document for each in list_revisions(connection, GHENT_PLANNER)] == [everywhere, elsewhere]
        with pytest.raises(NotFoundError, match="there is none"):
            find_revision(connection, PORTO_PLANNER, "SOP-30", 1)


@pytest.mark.parametrize(
    "tampering",
    [
        lambda: update(documents).values(state="withdrawn"),
        lambda: update(documents).values(confirmed_by="somebody"),
        lambda: update(documents).values(body=canonical_record(SOP.model_copy(update={"sites": ()}))),
        lambda: update(documents).values(scan=canonical_record(SCAN.model_copy(update={"hidden": {}}))),
        lambda: update(machine_rules).values(body=canonical_record(FLOOR.model_copy(update={"days": 1}))),
        lambda: machine_rules.delete(),
    ],
)
def test_what_is_changed_past_the_log_is_found(database: Database, tampering: Callable[[], object]) -> None:
    upload(database, SOP, FLOOR)
    confirm(database)
    assert wrong(database) == []
    with database.write("mallory", NOW) as transaction:
        transaction.connection.execute(tampering())  # type: ignore[call-overload]  # a statement, as listed above
    (said,) = wrong(database)
    assert "SOP-12@v1" in said


def test_documents_of_the_time_when_one_person_was_enough_speak_on(database: Database) -> None:
    engine = migrating_engine(database.where) if isinstance(database.where, str) else database._writer
    with engine.begin() as connection:
        migrate(connection, command.downgrade, "0009")
        connection.execute(
            text("INSERT INTO documents (document_id, version, added_at, body) VALUES ('SOP-12', 1, :at, :body)"),
            {"at": NOW.isoformat(timespec="microseconds"), "body": canonical_record(SOP)},
        )
    database.migrate()
    with database.write("mette", NOW) as transaction:
        told = {"title": SOP.title, "text": digest_text(SOP.text), "added_by": "mette"}
        transaction.record("document.added", "document", "SOP-12@v1", told)
    with database.read() as connection:
        kept = find_revision(connection, EVERYTHING, "SOP-12", 1)
        assert list_speaking(connection, EVERYTHING) == [SOP]
    assert (kept.state, kept.confirmed_by) == ("confirmed", "before:0010")
    assert wrong(database) == []
    end(database, "withdrawn", days=1)
    assert wrong(database) == []


def test_the_helper_of_other_tests_takes_two_people(database: Database) -> None:
    put_in_force(database, SOP)
    with database.read() as connection:
        assert find_revision(connection, EVERYTHING, "SOP-12", 1).confirmed_by == SECOND_PERSON != SOP.added_by
