"""The trace in SQL: only added to, told within rights, and without secrets."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from inventory.database import Database
from inventory.errors import NotFoundError
from inventory.migrate import migrate
from inventory.record import digest_text
from inventory.records import EVERYTHING
from inventory.redaction import HIDDEN, redacted
from inventory.retention import purge_words
from inventory.trace import ANY_SITE, Span, Words, insert_spans, spans_of_case, spans_of_trace, words_of
from tests.inventory.test_migrations import changing_the_schema
from tests.inventory.worlds import (
    BOARD,
    GHENT,
    GHENT_PLANNER,
    NOW,
    PORTO,
    PORTO_PLANNER,
    a_case,
    a_finding,
    open_case,
)


@pytest.fixture
def two_cases(database: Database) -> Database:
    """``case-porto`` and ``case-ghent``."""
    for site in (PORTO, GHENT):
        open_case(database, a_case(f"case-{site.lower()}", about=f"{BOARD}@{site}", findings=(a_finding(site),)))
    return database


def a_span(name: str, trace_id: str = "case-porto", *, sites: tuple[str, ...] = (PORTO,), **more: str) -> Span:
    return Span.model_validate(
        {
            "span_id": name, "trace_id": trace_id, "case_id": trace_id if trace_id.startswith("case-") else "",
            "name": "execute_tool options", "role": "replenishment", "sites": sites, "inputs": "ab", "outputs": "cd",
            "attributes": {"gen_ai.operation.name": "execute_tool", "evenkeel.seed": "7"}, "started_at": NOW, **more,
        }
    )  # fmt: skip


def keep(database: Database, *spans: Span, words: Words | None = None) -> None:
    with database.write("evenkeel", NOW) as transaction:
        insert_spans(transaction, spans, words)


def test_steps_are_told_in_the_order_they_were_recorded_and_stay_as_they_were(two_cases: Database) -> None:
    first = [a_span("span-9"), a_span("span-1", outputs="first")]
    keep(two_cases, *first, words={"span-1": {"answer": "first"}})
    keep(two_cases, a_span("span-1", outputs="other"), a_span("span-5"), words={"span-1": {"answer": "other"}})
    with two_cases.read() as connection:
        told = spans_of_case(connection, EVERYTHING, "case-porto")
        assert told == [*first, a_span("span-5")]
        assert words_of(connection, EVERYTHING, told) == {"span-1": {"answer": "first"}}
        assert spans_of_case(connection, EVERYTHING, "case-ghent") == []


@pytest.mark.parametrize("change", ["UPDATE trace SET body = '{}'", "DELETE FROM trace"])
def test_nobody_changes_or_removes_a_step_not_even_the_owner(two_cases: Database, change: str) -> None:
    keep(two_cases, a_span("span-1"))
    with pytest.raises(DatabaseError, match="only added to"), two_cases.write("root", NOW) as transaction:
        transaction.connection.execute(text(change))
    with two_cases.read() as connection:
        assert spans_of_case(connection, EVERYTHING, "case-porto") == [a_span("span-1")]


def test_a_reader_is_told_no_step_of_other_sites_and_no_words_that_may_hold_their_data(two_cases: Database) -> None:
    own, foreign, both = a_span("own"), a_span("foreign", sites=(GHENT,)), a_span("both", sites=(GHENT, PORTO))
    said = {name: {"answer": f"words of {name}"} for name in ("own", "foreign", "both")}
    keep(two_cases, own, foreign, both, words=said)
    with two_cases.read() as connection:
        told = spans_of_case(connection, PORTO_PLANNER, "case-porto")
        assert [span.span_id for span in told] == ["own", "both"]
        assert GHENT not in str(told[1])
        assert "evenkeel.seed" not in told[1].attributes
        assert words_of(connection, PORTO_PLANNER, told) == {"own": said["own"]}
        assert words_of(connection, PORTO_PLANNER, [own, foreign, both]) == {"own": said["own"]}, (
            "whoever hands them in"
        )
        assert words_of(connection, EVERYTHING, [own, foreign, both]) == said
        with pytest.raises(NotFoundError):
            spans_of_case(connection, GHENT_PLANNER, "case-porto")


def test_a_conversation_is_its_owners_alone_and_as_far_as_rights_still_go(two_cases: Database) -> None:
    mine = a_span("mine", "conv-1", owner=PORTO_PLANNER.user)
    wider = a_span("wider", "conv-1", sites=(ANY_SITE,), owner=PORTO_PLANNER.user)
    keep(two_cases, mine, wider, words={name: {"prompt": name} for name in ("mine", "wider")})
    with two_cases.read() as connection:
        assert spans_of_trace(connection, PORTO_PLANNER, "conv-1") == [mine], "rights were wider once"
        assert words_of(connection, PORTO_PLANNER, [mine, wider]) == {"mine": {"prompt": "mine"}}
        assert words_of(connection, EVERYTHING, [mine, wider]) == {}
        for reader, name in ((GHENT_PLANNER, "conv-1"), (EVERYTHING, "conv-1"), (PORTO_PLANNER, "case-porto")):
            with pytest.raises(NotFoundError):
                spans_of_trace(connection, reader, name)


def test_old_words_go_and_the_steps_stay(two_cases: Database) -> None:
    keep(two_cases, a_span("span-1"), a_span("span-2"), words={"span-1": {"prompt": "what?", "answer": "that"}})
    with two_cases.write("evenkeel", NOW) as transaction:
        assert purge_words(transaction, NOW) == 0
        assert purge_words(transaction, NOW + timedelta(seconds=1)) == 1
        assert purge_words(transaction, NOW + timedelta(seconds=1)) == 0
    with two_cases.read() as connection:
        told = spans_of_case(connection, EVERYTHING, "case-porto")
        assert told == [a_span("span-1"), a_span("span-2")]
        assert words_of(connection, EVERYTHING, told) == {}


def test_the_trace_of_before_is_taken_over_as_trees(two_cases: Database) -> None:
    old = {
        "span_id": "span-old", "case_id": "case-porto", "proposal_id": "prop-1", "name": "retrieval rules",
        "role": "audit", "inputs": "prop-1", "outputs": "SOP-1#2", "attributes": {"note": "words of somebody"},
        "started_at": "2024-04-08T06:00:00Z", "finished_at": "2024-04-08T06:00:01Z",
    }  # fmt: skip
    with changing_the_schema(two_cases) as connection:
        migrate(connection, command.downgrade, "0013")
        connection.execute(
            text("INSERT INTO trace (span_id, case_id, at, body) VALUES (:span_id, :case_id, :at, :body)"),
            {**{name: old[name] for name in ("span_id", "case_id")}, "at": NOW.isoformat(), "body": json.dumps(old)},
        )
    two_cases.migrate()
    with two_cases.read() as connection:
        root, step = spans_of_case(connection, PORTO_PLANNER, "case-porto")
    assert (root.name, root.parent_id, step.parent_id) == ("invoke_workflow case", "", root.span_id)
    assert (step.span_id, step.name, step.role, step.proposal_id) == ("span-old", "retrieval rules", "audit", "prop-1")
    assert (step.inputs, step.outputs) == (digest_text("prop-1"), digest_text("SOP-1#2"))
    assert "words of somebody" not in step.model_dump_json()


SECRET_FORMS = (
    "ek_Zk3r9fJq0aX7bV2m",
    "sk-proj-abcdefghij1234567890",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_0123456789abcdefABCDEF0123456789abcd",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----",
)


@pytest.mark.parametrize("secret", SECRET_FORMS)
def test_what_has_the_form_of_a_secret_goes(secret: str) -> None:
    assert redacted(f"before {secret} after") == f"before {HIDDEN} after"


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("postgresql://ada:pa55word@db/house", f"postgresql://{HIDDEN}@db/house"),
        ("Authorization: Bearer abc123def456", f"Authorization: Bearer {HIDDEN}"),
        ("my password is: correcthorse, thanks", f"my password is: {HIDDEN}, thanks"),
        ('{"api_key": "12345678"}', f'{{"api_key": "{HIDDEN}"}}'),
        ("Passwd=hunter22", f"Passwd={HIDDEN}"),
    ],
)
def test_what_is_called_a_secret_goes(words: str, kept: str) -> None:
    assert redacted(words) == kept
    assert redacted(kept) == kept, "once is enough"


def test_a_known_secret_goes_however_it_is_written() -> None:
    known = 'a "quoted"\nsecret'
    assert redacted(f'plain {known}, in JSON "{known!r}"', [known]) != f'plain {known}, in JSON "{known!r}"'
    assert redacted(f"plain {known}", [known]) == f"plain {HIDDEN}"
    assert redacted('in JSON "a \\"quoted\\"\\nsecret"', [known]) == f'in JSON "{HIDDEN}"'
    assert redacted("short secrets would take words away", ["short", ""]) == "short secrets would take words away"


@pytest.mark.parametrize(
    "harmless",
    ["P-3435 at WH-SOUTH has 12 units", "transfer 40 on lane DC>NORTH, digest 5e884898da28", "no token of thanks",
     "the key account CU-7 ordered", "https://host:8080/v1?x=1", "send by 2024-04-08T06:00:00Z"],
)  # fmt: skip
def test_ordinary_words_stay(harmless: str) -> None:
    assert redacted(harmless) == harmless
