"""The demo company's rules: well formed, and found by the questions a planner asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge import KnowledgeBase
from service.demo.corpus import DOCUMENTS, read_corpus
from service.rule_files import RuleFileError, parse_rule_file
from tests.knowledge.rules import TODAY

SITES = {"DC-EAST", "DC-WEST", "WH-SOUTH", "PL-NORTH", "FC-WEB", "ST-HARBOUR", "ST-PINE"}
SUPPLIERS = {f"SUP-{name}" for name in "ALDER BIRCH CEDAR ELM FIR HAZEL LARCH MAPLE".split()}  # noqa: SIM905 - shorter
CLASSES = {"regulated", "constrained", "customer_specific", "cold_chain", "consumable", "standard"}
ACTIONS = {"transfer", "purchase", "expedite", "hold", "correction"}

GOOD = (DOCUMENTS / "sop-reg-01-v1.md").read_text(encoding="utf-8")


def test_the_corpus_covers_the_company_in_its_own_words() -> None:
    rules = read_corpus()
    assert len(rules) >= 26
    assert {rule.id for rule in rules if rule.version == 1} & {rule.id for rule in rules if rule.version == 2}
    assert {supplier for rule in rules if rule.id.startswith("TRM-") for supplier in rule.suppliers} == SUPPLIERS
    for rule in rules:
        assert rule.sites <= SITES
        assert rule.suppliers <= SUPPLIERS
        assert rule.item_classes <= CLASSES
        assert rule.actions <= ACTIONS


def test_every_rule_is_cut_into_numbered_clauses(demo_base: KnowledgeBase) -> None:
    assert [passage.passage_id for passage in demo_base.passages if passage.clause.startswith("p")] == []
    for rule in read_corpus():
        found = [p for p in demo_base.passages if (p.document_id, p.version) == (rule.id, rule.version)]
        assert 4 <= len(found) <= 20, rule.id


@pytest.mark.parametrize(
    ("question", "clause"),
    [
        ("may the donor go below its reorder point", "SOP-TRF-01@v2#3.1"),
        ("days of supply that stay at the donor DC-EAST", "SIN-EAST-01@v1#2.1"),
        ("licence of the receiving site for regulated goods", "SOP-REG-01@v1#2.2"),
        ("how many days may a cold-chain transfer spend in transit", "SOP-CCH-01@v1#2.1"),
        ("protected units for HALDEN", "SLA-HALDEN-01@v2#2.1"),
        ("which transfers may be released automatically", "POL-APR-01@v2#2.1"),
        ("are regulated items ever released automatically", "POL-APR-01@v2#3.1"),
        ("expedite above 2,000 EUR", "POL-EXP-01@v1#3.3"),
        ("ERP and warehouse count differ by more than 5 %", "SOP-CNT-01@v1#1.1"),
        ("how late will SUP-LARCH be after the port congestion", "NOT-LARCH-01@v1#2.1"),
        ("HAZEL embargo window", "TRM-HAZEL-01@v1#3.2"),
        ("a missing component stops the line", "SOP-PLT-01@v1#1.2"),
        ("web channel served before the stores in a shortage", "POL-WEB-01@v1#3.1"),
        ("presentation stock replenished before any other channel", "SOP-STR-01@v1#4.1"),
    ],
)
def test_a_planners_question_finds_its_clause(demo_base: KnowledgeBase, question: str, clause: str) -> None:
    assert clause in [ranked.passage.passage_id for ranked in demo_base.search(question, on=TODAY)]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("---\nid", "id", "expected front matter between two '---' lines"),
        ("version: 1", "version: one", "version is 'one', expected a whole number from 1"),
        ("2023-02-01", "1 Feb 2023", "effective_from is '1 Feb 2023', expected a date"),
        ("title: Handling of regulated goods", "title:", "title is empty"),
        ("sites:\n", "", "the front matter lacks sites"),
        ("sites:\n", "sites:\nsites:\n", "sites is given twice"),
        ("sites:\n", "site: DC-EAST\n", "'site: DC-EAST' in the front matter, expected one of id"),
        ("sites:\n", "sites: DC-EAST,, DC-WEST\n", "sites is 'DC-EAST,, DC-WEST', expected distinct names"),
    ],
)
def test_a_document_written_wrongly_is_refused(before: str, after: str, message: str) -> None:
    with pytest.raises(RuleFileError, match=message):
        parse_rule_file(GOOD.replace(before, after, 1), "rule.md")


def test_two_files_of_one_version_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleFileError, match=r"no \*\.md document"):
        read_corpus(tmp_path)
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
    with pytest.raises(RuleFileError, match=r"b\.md: SOP-REG-01 v1 is already given"):
        read_corpus(tmp_path)
