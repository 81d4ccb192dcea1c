"""Filter first, then rank: what a search may find and in which order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from knowledge import KnowledgeBase, RankedPassage, split_into_passages
from knowledge.errors import DuplicateDocumentError
from knowledge.scope import Revisions, Scope
from tests.knowledge.rules import TODAY, a_rule, demo_rules

QUESTIONS = """
may the donor go below its reorder point
minimum lot leaving a distribution centre
licence of the receiving site for regulated goods
maximum transit time of cold chain goods
protected units of HALDEN
protected units of BRIGHTMART
who releases an expedite
expedite budget used up
supplier is late by ten days
port congestion
promotion freeze at the web channel
book quantity differs from warehouse count
negative stock
blocked lot in quarantine
stock feed older than a day
excess stock what comes first
slow moving item
store presentation stock
web channel before stores
line down component missing
substitute component approved by engineering
minimum order quantity
order multiple
cut-off day
embargo window
contract lead time
receiving capacity per day
write-off of expired goods
constrained item allocation
demand spike of unknown cause
demand drop open orders
two documents contradict each other
approval limit of the planner
formal approval above 5,000 EUR
automatic release of consumables
recall of a supplier lot
shelf life on arrival
cool-down on the same lane
order above 120 days of demand
service level and credit
""".strip().splitlines()


def ids(found: list[RankedPassage]) -> list[str]:
    return [ranked.passage.passage_id for ranked in found]


def documents(found: list[RankedPassage]) -> set[str]:
    return {ranked.passage.document_id for ranked in found}


def test_two_rebuilds_in_other_places_and_orders_give_identical_lists(demo_base: KnowledgeBase, tmp_path: Path) -> None:
    shuffled = demo_rules()
    random.Random(7).shuffle(shuffled)
    second = KnowledgeBase(shuffled, tmp_path)
    before = [second.search(question, on=TODAY, limit=50) for question in QUESTIONS]
    second.rebuild()
    assert len(QUESTIONS) == 40
    assert all(before)
    assert second.corpus_digest == demo_base.corpus_digest
    assert before == [demo_base.search(question, on=TODAY, limit=50) for question in QUESTIONS]
    assert before == [second.search(question, on=TODAY, limit=50) for question in QUESTIONS]


def test_a_scoped_search_answers_as_if_nothing_else_existed(demo_base: KnowledgeBase, tmp_path: Path) -> None:
    site = frozenset({"ST-PINE"})
    fitting = [
        rule
        for rule in demo_rules()
        if rule.effective_from <= TODAY <= (rule.effective_to or TODAY)
        and (not rule.sites or rule.sites & site)
        and (not rule.actions or "transfer" in rule.actions)
    ]
    alone = KnowledgeBase(fitting, tmp_path)
    for question in QUESTIONS:
        scoped = demo_base.search(question, on=TODAY, sites=site, action="transfer", limit=20)
        assert scoped == alone.search(question, on=TODAY, sites=site, action="transfer", limit=20)


def test_rules_of_other_sites_never_appear_and_never_take_a_place(tmp_path: Path) -> None:
    elsewhere = [a_rule(f"EAST-{n}", "1.1 Donor floor donor floor.", sites=frozenset({"EAST"})) for n in range(20)]
    west = a_rule("WEST", "1.1 Trucks leave at four; the donor is told.", sites=frozenset({"WEST"}))
    everywhere = a_rule("ALL", "1.1 A donor asks first.")
    base = KnowledgeBase([*elsewhere, west, everywhere], tmp_path)
    assert documents(base.search("donor floor", on=TODAY, sites=frozenset({"WEST"}), limit=2)) == {"WEST", "ALL"}
    assert len(base.search("donor floor", on=TODAY, limit=50)) == 22
    # A right works like a question that cannot be left out: what is restricted to other sites is invisible.
    assert documents(base.search("donor floor", on=TODAY, readable_sites=frozenset({"WEST"}))) == {"WEST", "ALL"}
    assert documents(base.search("donor floor", on=TODAY, readable_sites=frozenset())) == {"ALL"}
    both = frozenset({"EAST", "WEST"})
    assert documents(base.search("donor", on=TODAY, sites=both, readable_sites=frozenset({"WEST"}))) == {"WEST", "ALL"}


def test_supplier_class_and_action_filter_what_is_restricted(demo_base: KnowledgeBase) -> None:
    found = demo_base.search("embargo window", on=TODAY, supplier="SUP-HAZEL", limit=100)
    assert all(p.passage.suppliers in (frozenset(), {"SUP-HAZEL"}) for p in found)
    assert {name for name in documents(found) if name.startswith("TRM-")} == {"TRM-HAZEL-01"}
    standard = demo_base.search("licence of the receiver", on=TODAY, item_classes=frozenset({"standard"}), limit=100)
    assert "SOP-REG-01" not in documents(standard)
    assert "SOP-TRF-01" not in documents(demo_base.search("donor floor", on=TODAY, action="purchase", limit=100))


def test_a_rule_ranks_from_its_first_to_its_last_day_only(tmp_path: Path) -> None:
    notice = a_rule("NOTICE", "1.1 Port congestion.", effective_from=date(2024, 3, 1), effective_to=date(2024, 3, 31))
    base = KnowledgeBase([notice], tmp_path)
    days = [date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 31), date(2024, 4, 1)]
    assert [bool(base.search("port congestion", on=day)) for day in days] == [False, True, True, False]
    past = [bool(base.search("port congestion", on=day, include_superseded=True)) for day in days]
    assert past == [False, True, True, True]


def test_a_newer_version_supersedes_one_that_was_left_open(tmp_path: Path) -> None:
    old = a_rule(text="1.1 Ten days of cover.")
    new = a_rule(text="1.1 Fourteen days of cover.", version=2, effective_from=date(2024, 1, 1))
    base = KnowledgeBase([old, new], tmp_path)
    assert ids(base.search("days of cover", on=date(2023, 12, 31))) == ["SOP-1@v1#1.1"]
    assert ids(base.search("days of cover", on=date(2024, 1, 1))) == ["SOP-1@v2#1.1"]
    both = base.search("days of cover", on=TODAY, include_superseded=True)
    assert set(ids(both)) == {"SOP-1@v1#1.1", "SOP-1@v2#1.1"}


def test_equal_texts_rank_by_passage_id(tmp_path: Path) -> None:
    base = KnowledgeBase([a_rule(name) for name in ("C", "A", "D", "B")], tmp_path)
    found = base.search("donor reorder point", on=TODAY)
    assert ids(found) == ["A@v1#1.1", "B@v1#1.1", "C@v1#1.1", "D@v1#1.1"]
    assert {(ranked.lexical, ranked.similarity, ranked.score) for ranked in found} == {
        (1.0, found[0].similarity, found[0].score)
    }


def test_ids_stay_and_the_digest_changes_when_a_document_is_added(tmp_path: Path) -> None:
    small = KnowledgeBase([a_rule()], tmp_path)
    large = KnowledgeBase([a_rule("AAA", "1.1 Other.\n\nNo number."), a_rule()], tmp_path)
    assert {passage.passage_id for passage in small.passages} < {passage.passage_id for passage in large.passages}
    assert small.corpus_digest != large.corpus_digest
    assert large.passage("SOP-1@v1#1.1") == small.passages[0]
    assert large.passage("SOP-1@v9#1.1") is None


def test_a_question_that_names_a_site_or_a_supplier_is_about_it(tmp_path: Path) -> None:
    east, west = (a_rule(name, "1.1 Minimum lot.", sites=frozenset({f"DC-{name}"})) for name in ("EAST", "WEST"))
    fir, elm = (a_rule(name, "1.1 Minimum lot.", suppliers=frozenset({f"SUP-{name}"})) for name in ("FIR", "ELM"))
    base = KnowledgeBase([east, west, fir, elm], tmp_path)
    assert documents(base.search("minimum lot", on=TODAY)) == {"EAST", "WEST", "FIR", "ELM"}
    assert documents(base.search("minimum lot of dc-west", on=TODAY)) == {"WEST", "FIR", "ELM"}
    assert documents(base.search("minimum lot of SUP-FIR at DC-EAST", on=TODAY)) == {"EAST", "FIR"}
    assert documents(base.search("minimum lot of SUP-FIR or SUP-ELM", on=TODAY)) == {"EAST", "WEST", "FIR", "ELM"}


def test_only_a_whole_id_the_asker_may_know_narrows_what_the_situation_leaves_open() -> None:
    east = split_into_passages(a_rule(sites=frozenset({"DC-EAST"}), suppliers=frozenset({"SUP-FIR"})))
    revisions = Revisions(east)
    open_scope = Scope(TODAY)
    assert open_scope.named_in("from dc-east, by SUP-FIR", revisions) == Scope(
        TODAY, sites=frozenset({"DC-EAST"}), suppliers=frozenset({"SUP-FIR"})
    )
    settled = Scope(TODAY, sites=frozenset({"DC-WEST"}), suppliers=frozenset({"SUP-ELM"}))
    assert settled.named_in("from DC-EAST, by SUP-FIR", revisions) == settled
    assert open_scope.named_in("from DC-EASTERN, by XSUP-FIR and DC-EAST-2", revisions) == open_scope
    blind = Scope(TODAY, readable_sites=frozenset({"DC-WEST"}))
    assert blind.named_in("from DC-EAST, by SUP-FIR", revisions) == blind


def test_a_rule_made_for_the_situation_comes_before_a_general_one(tmp_path: Path) -> None:
    own = a_rule("Z-OWN", "1.1 Minimum lot.", suppliers=frozenset({"SUP-FIR"}))
    base = KnowledgeBase([a_rule("A-ALL", "1.1 Minimum lot."), own], tmp_path)
    assert ids(base.search("minimum lot", on=TODAY)) == ["A-ALL@v1#1.1", "Z-OWN@v1#1.1"]
    assert ids(base.search("minimum lot", on=TODAY, supplier="SUP-FIR")) == ["Z-OWN@v1#1.1", "A-ALL@v1#1.1"]


@pytest.mark.parametrize("question", ["", "   ", "quantum entanglement of photons"])
def test_a_question_no_rule_speaks_about_gets_an_empty_list(demo_base: KnowledgeBase, question: str) -> None:
    assert demo_base.search(question, on=TODAY) == []


@dataclass(frozen=True)
class Plane:
    """An embedding in two dimensions that knows three texts by their last word."""

    config: dict[str, str | int] = field(default_factory=lambda: {"name": "plane"})
    digest: str = "0" * 64
    dimensions: int = 2
    unrelated: float = 0.2
    weight: float = 1.0

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        known = {"floor.": (0.8, 0.6), "flat": (1.0, 0.0), "slanting": (0.6, 0.8)}
        return np.array([known[text.split()[-1]] for text in texts], dtype=np.float32)


@pytest.mark.parametrize(("question", "product"), [("flat", 0.8), ("slanting", 0.96)])
def test_similarity_is_the_dot_product_however_many_dimensions_a_question_fills(
    question: str, product: float, tmp_path: Path
) -> None:
    base = KnowledgeBase([a_rule("A", "1.1 A donor keeps a floor.")], tmp_path, Plane())
    (found,) = base.search(question, on=TODAY)
    assert found.similarity == pytest.approx((product - 0.2) / 0.8, abs=1e-6)


def test_a_limit_below_one_is_refused(demo_base: KnowledgeBase) -> None:
    with pytest.raises(ValueError, match="limit is 0"):
        demo_base.search("donor", on=TODAY, limit=0)


def test_the_same_version_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DuplicateDocumentError, match="SOP-1 v1 is given 2 times"):
        KnowledgeBase([a_rule(), a_rule(text="1.1 Other.")], tmp_path)
