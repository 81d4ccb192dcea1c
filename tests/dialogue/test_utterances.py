"""The offline model understands what people say: the committed utterances and refusals, judged as their README says."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from agent.offline.intents import intents
from tests.dialogue.understanding import calls_of, is_refused, lines, meets, understand

BAR = 0.95


def test_at_least_95_percent_of_the_utterances_call_the_right_tools(capsys: pytest.CaptureFixture[str]) -> None:
    known = lines("utterances.jsonl")
    wrong = []
    for line in known:
        outcome = understand(line)
        if not meets(line["expect"], outcome):
            wrong.append(f"{line['id']} {line['said']!r}: {calls_of(outcome)} {outcome.clarify} {outcome.refusals}")
    with capsys.disabled():
        sys.stdout.write(f"\nutterances understood: {len(known) - len(wrong)} of {len(known)}\n")
    assert len(known) == 150
    assert 1 - len(wrong) / len(known) >= BAR, "\n".join(wrong)


def test_every_prompt_that_must_be_refused_is(capsys: pytest.CaptureFixture[str]) -> None:
    known = lines("must_refuse.jsonl")
    wrong = []
    for line in known:
        outcome = understand(line)
        if not is_refused(line, outcome):
            wrong.append(f"{line['id']} {line['said']!r}: {calls_of(outcome)} {outcome.clarify} {outcome.refusals}")
    with capsys.disabled():
        sys.stdout.write(f"\nrefused: {len(known) - len(wrong)} of {len(known)}\n")
    assert not wrong, "\n".join(wrong)


def test_the_legitimate_part_beside_a_refusal_is_answered() -> None:
    for line in lines("must_refuse.jsonl"):
        if "also_tools" in line:
            assert calls_of(understand(line)), line["said"]


@pytest.mark.parametrize(
    ("expected", "made"),
    [
        ({"tools": [{"name": "why", "arguments": {"item": "P-320", "site": "DC-WEST"}}]}, "why is P-320 short at East"),
        ({"tools": [{"name": "why", "arguments": {"item": "P-320"}}]}, "why is P-320 short at East"),
        ({"tools": []}, "stock of P-320"),
        ({"clarify": "site"}, "stock of P-320"),
        ({"smalltalk": True}, "stock of P-320"),
        ({"tools": [{"name": "stock_position", "arguments": {"item": "P-320"}}]}, "approve it for me"),
    ],
)
def test_the_judge_tells_a_wrong_outcome(expected: dict[str, Any], made: str) -> None:
    assert not meets(expected, understand({"user": "dev.buyer", "today": "2024-04-08", "said": made}))


def test_sixty_kinds_of_question_are_told_apart() -> None:
    assert len(intents()) >= 60
    assert len({intent.name for intent in intents()}) == len(intents())


def test_the_same_words_give_the_same_outcome_whatever_was_asked_before() -> None:
    line = {"user": "anna.planner", "today": "2024-04-08", "said": "when do we run out of 10447 at west?"}
    first = understand(line)
    understand({**line, "said": "why is P-320 short at East"})
    assert understand(line) == first
