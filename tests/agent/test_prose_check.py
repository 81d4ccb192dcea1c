"""The checker of plain prose, judged by sentences written before it and by what nobody may slip past it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from agent.prose.claims import ProseFact
from agent.prose_check import Unsupported, check_sentence

TEXTS = Path(__file__).parents[1] / "texts"


def written(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (TEXTS / name).read_text(encoding="utf-8").splitlines()]


def judged(row: dict[str, Any]) -> tuple[Unsupported, ...]:
    return check_sentence(row["sentence"], [ProseFact(**fact) for fact in row["facts"]], row["known_ids"])


def test_true_sentences_pass() -> None:
    rows = written("sentences_true.jsonl")
    refused = [row["sentence"] for row in rows if judged(row)]
    sys.stdout.write(f"\ntrue sentences that pass: {len(rows) - len(refused)} of {len(rows)}")
    assert len(rows) == 200
    assert len(refused) <= 0.02 * len(rows), refused


def test_altered_sentences_are_caught() -> None:
    rows = written("sentences_altered.jsonl")
    all_of = Counter(row["changed"] for row in rows)
    caught = Counter(row["changed"] for row in rows if judged(row))
    sys.stdout.write(
        "\naltered sentences that are caught: " + ", ".join(f"{k} {caught[k]} of {all_of[k]}" for k in sorted(all_of))
    )
    assert len(rows) == 200
    assert caught["digit"] == all_of["digit"]
    for changed in ("number_word", "unit", "site", "id", "direction", "date"):
        assert caught[changed] >= 0.95 * all_of[changed], changed


FACTS = [
    ProseFact(name="item", value="P-100", kind="item"),
    ProseFact(name="origin", value="DC-EAST", kind="site", role="origin"),
    ProseFact(name="destination", value="ST-PINE", kind="site", role="destination"),
    ProseFact(name="quantity", value=12, kind="quantity", unit="units"),
    ProseFact(name="cost", value=2450.5, kind="money", unit="EUR", decimals=0),
    ProseFact(name="loss", value=-35, kind="money", unit="EUR"),
    ProseFact(name="share", value=25, kind="percent", unit="%"),
    ProseFact(name="cover", value=21, kind="days", unit="days"),
    ProseFact(name="arrives_on", value="2024-05-13", kind="date"),
    ProseFact(name="clause", value="3.1", kind="clause"),
]
KNOWN = ["P-100", "P-200", "DC-EAST", "ST-PINE", "WH-SOUTH"]


@pytest.mark.parametrize(
    "sentence",
    [
        "A dozen units, 12 in all, go from dc-east to ST-PINE.",
        "It costs EUR 2,451, say 2.451k EUR, and takes three weeks.",
        "A quarter of it is gone; 25 per cent, that is.",
        "On Monday the 13th of May 2024 the goods are there.",
        "The net value is minus thirty-five euros, or −35 EUR.",
        "A 21-day cover remains (clause 3.1).",
        "No one knows of one more; it may be one or the other.",
        "ST-PINE is supplied by DC-EAST.",
        "ＤＣ-ＥＡＳＴ sends １２ units.",
    ],
)
def test_what_the_facts_support_passes(sentence: str) -> None:
    assert check_sentence(sentence, FACTS, KNOWN) == ()


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("There are ١٣ units.", "figure"),
        ("There are 1,200 units.", "figure"),
        ("Hundreds of units are short.", "number word"),
        ("It doubled.", "figure"),
        ("Some 12½ units.", "figure"),
        ("It is the XIV time.", "figure"),
        ("Thirteen units are short.", "figure"),
        ("12 pallets are short.", "figure"),
        ("It costs 12 EUR.", "figure"),
        ("It costs 2,450 EUR.", "figure"),  # 2450.5 rounds away from zero
        ("It costs 2,400 EUR.", "figure"),  # coarser than the fact allows
        ("The net value is 35 EUR.", "figure"),
        ("It takes three days.", "figure"),
        ("It takes 3 months.", "figure"),
        ("Take it from WH-SOUTH.", "id"),
        ("Take P-999 instead.", "id"),
        ("Clause 3.10 allows it.", "clause"),
        ("It comes on 12 May.", "date"),
        ("It comes on Sunday, 13 May 2024.", "date"),
        ("It comes on 13/05/2025.", "date"),
        ("It comes tomorrow.", "date"),
        ("It goes from ST-PINE.", "direction"),
        ("DC-EAST is supplied by ST-PINE.", "direction"),
        ("ST-PINE → DC-EAST", "direction"),
        ("DС-EAST gives.", "character"),  # the second letter is Cyrillic
        ("12\u200b units", "character"),
    ],
)
def test_what_the_facts_do_not_support_is_named(sentence: str, kind: str) -> None:
    assert kind in {problem.kind for problem in check_sentence(sentence, FACTS, KNOWN)}
