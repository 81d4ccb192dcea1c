"""How documents are cut, and what a citation can rely on."""

from __future__ import annotations

from datetime import date

import pytest

from knowledge import split_into_passages
from knowledge.errors import DuplicateClauseError, InvalidDocumentError
from knowledge.passages import split_passage_id
from tests.knowledge.rules import a_rule


def clauses(text: str) -> dict[str, str]:
    return {passage.clause: passage.text for passage in split_into_passages(a_rule(text=text))}


def test_a_passage_id_names_document_version_and_clause() -> None:
    passages = split_into_passages(a_rule("SOP-TRF-01", "# Rules\n\n3.2 A donor keeps its reorder point.", version=2))
    assert [passage.passage_id for passage in passages] == ["SOP-TRF-01@v2#3.2"]


def test_a_passage_carries_the_headings_above_it_and_no_others() -> None:
    text = "# Transfers\n\n## 1 Donor\n\n1.1 Floor.\n\n## 2 Lot\n\n2.1 Multiple.\n\n# Annex\n\nA word."
    paths = {passage.clause: passage.heading_path for passage in split_into_passages(a_rule(text=text))}
    assert paths == {"1.1": ("Transfers", "1 Donor"), "2.1": ("Transfers", "2 Lot"), "p1": ("Annex",)}


def test_a_clause_runs_over_lines_and_paragraphs_until_the_next_one() -> None:
    assert clauses("1.1 First\nline.\n\nSecond paragraph.\n\n1.2 Next.") == {
        "1.1": "First\nline.\n\nSecond paragraph.",
        "1.2": "Next.",
    }


def test_clauses_on_consecutive_lines_are_told_apart() -> None:
    text = "1.1 One.\n1.2 Two.\n1.2.1 Detail.\n1.3 Three.\n2.1 Elsewhere."
    # 2.1 follows neither 1.3 nor a blank line: only the next number begins a clause inside a block.
    assert clauses(text) == {"1.1": "One.", "1.2": "Two.", "1.2.1": "Detail.", "1.3": "Three.\n2.1 Elsewhere."}


def test_a_number_in_a_wrapped_sentence_begins_no_clause() -> None:
    assert clauses("3.1 Goods travel at most\n2.5 days, door to door.") == {
        "3.1": "Goods travel at most\n2.5 days, door to door."
    }


def test_a_document_without_clause_numbers_gets_paragraph_numbers() -> None:
    assert clauses("# Notice\n\nThe port is\ncongested.\n\nPlan with 18 days.") == {
        "p1": "The port is\ncongested.",
        "p2": "Plan with 18 days.",
    }


def test_no_text_is_lost_before_the_first_clause() -> None:
    assert clauses("Read this first.\n\n1.1 A rule.") == {"p1": "Read this first.", "1.1": "A rule."}


def test_an_empty_document_has_no_passages() -> None:
    assert split_into_passages(a_rule(text="# Only a title\n\n")) == ()


def test_a_clause_number_used_twice_is_refused_with_its_place() -> None:
    with pytest.raises(DuplicateClauseError, match=r"SOP-1 v1: clause 1\.1 appears twice.*second"):
        clauses("1.1 The first.\n\n1.1 The second.")


def test_the_content_digest_changes_with_every_field_and_with_nothing_else() -> None:
    base = a_rule(sites=frozenset({"A", "B"}))
    same = a_rule(sites=frozenset({"B", "A"}))
    others = [
        a_rule("SOP-2", sites=frozenset({"A", "B"})),
        a_rule(sites=frozenset({"A"})),
        a_rule(sites=frozenset({"A", "B"}), title="Moves"),
        a_rule(sites=frozenset({"A", "B"}), version=2),
        a_rule(sites=frozenset({"A", "B"}), text="1.1 Other."),
        a_rule(sites=frozenset({"A", "B"}), effective_from=date(2023, 1, 2)),
        a_rule(sites=frozenset({"A", "B"}), effective_to=date(2025, 1, 1)),
        a_rule(sites=frozenset({"A", "B"}), suppliers=frozenset({"S"})),
        a_rule(sites=frozenset({"A", "B"}), item_classes=frozenset({"regulated"})),
        a_rule(sites=frozenset({"A", "B"}), actions=frozenset({"transfer"})),
    ]
    assert base.content_digest == same.content_digest
    assert len({base.content_digest, *(other.content_digest for other in others)}) == len(others) + 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"document_id": "SOP 1#2"}, "document id 'SOP 1#2'"),
        ({"version": 0}, "version 0, expected 1 or more"),
        ({"effective_to": date(2022, 12, 31)}, "effective until 2022-12-31, before it begins on 2023-01-01"),
    ],
)
def test_a_document_that_cannot_be_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidDocumentError, match=message):
        a_rule(**changes)  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize("fence", ["```", "~~~"])
def test_rules_for_machines_belong_to_no_passage_and_change_no_id(fence: str) -> None:
    prose = "## 1 Floor\n\n1.1 A donor keeps ten days.\n"
    block = f'\n{fence}rules\n[[rule]]\nclause = "1.1"\n1.2 = "not a clause"\n{fence}\n'
    assert split_into_passages(a_rule(text=prose + block)) == split_into_passages(a_rule(text=prose))


def test_a_fence_that_is_never_closed_hides_nothing() -> None:
    found = split_into_passages(a_rule(text="1.1 One.\n\n```rules\n\n1.2 Two."))
    assert found[-1].clause == "1.2"


PROSE = "## 1 Floor\n\n1.1 A donor keeps ten days.\n\n1.2 Lots are whole.\n"


def test_phrases_belong_to_their_clause_and_to_no_text() -> None:
    asked = "\n```asked\n1.2\nMay I send half a box?\n\n  half box  \n1.1\nCushion?\n```\n"
    found = {passage.clause: passage for passage in split_into_passages(a_rule(text=PROSE + asked))}
    assert {clause: passage.asked_as for clause, passage in found.items()} == {
        "1.1": ("Cushion?",),
        "1.2": ("May I send half a box?", "half box"),
    }
    assert [passage.text for passage in found.values()] == list(clauses(PROSE).values())
    assert found["1.2"].indexed_text.endswith("Lots are whole.\nMay I send half a box?\nhalf box")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("```asked\n9.9\nWhat?\n```", "document SOP-1 v1: phrases are given for clause 9.9, which it lacks"),
        ("```asked\nWhat?\n1.1\n```", "the phrase 'What\\?' stands under no clause number"),
        (f"```asked\n1.1\n{'long ' * 33}\n```", "a phrase for clause 1.1 has 164 characters, expected at most 160"),
        ("```asked\n1.1\n" + "So?\n" * 25 + "```", "clause 1.1 has more than 24 phrases"),
        ("```asked\n1.1\nWhat?\n", "a block of phrases is not closed"),
    ],
)
def test_phrases_that_fit_nowhere_are_refused(asked: str, said: str) -> None:
    with pytest.raises(InvalidDocumentError, match=said):
        split_into_passages(a_rule(text=f"{PROSE}\n{asked}\n"))


@pytest.mark.parametrize(
    ("passage_id", "parts"), [("SOP-TRF-01@v2#3.2", ("SOP-TRF-01", 2, "3.2")), ("a.b_c@v10#p1", ("a.b_c", 10, "p1"))]
)
def test_an_id_of_a_passage_is_taken_apart(passage_id: str, parts: tuple[str, int, str]) -> None:
    assert split_passage_id(passage_id) == parts


@pytest.mark.parametrize("wrong", ["SOP-1", "SOP-1@v0#1.1", "SOP 1@v1#1.1", "SOP-1@v1#"])
def test_what_is_no_id_of_a_passage_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"expected an id such as SOP-TRF-01@v2#3\.2"):
        split_passage_id(wrong)
