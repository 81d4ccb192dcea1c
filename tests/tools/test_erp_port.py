"""What an ERP answers is foreign text: it becomes a posting, or the outcome is unknown."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from inventory.records import ActionKind, ErpDocument, ErpLine
from tools.erp.port import MAX_LINES, Posting, differences, read_answer
from tools.errors import ErpOutcomeUnknownError

KEY = "EK-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LINE = {"item": "DRILL", "lot": "L1", "quantity": 4}


def an_answer(**changes: object) -> dict[str, object]:
    return {
        "key": KEY,
        "reference": "TO-17",
        "action": "transfer",
        "destination": "ST-PINE",
        "origin": "DC-EAST",
        "posted_at": "2024-04-08T06:00:00+02:00",
        "lines": [LINE],
    } | changes


def a_document(**changes: object) -> ErpDocument:
    document = ErpDocument(
        key=KEY,
        action=ActionKind.TRANSFER,
        origin="DC-EAST",
        destination="ST-PINE",
        ship_on=date(2024, 4, 8),
        arrive_on=date(2024, 4, 9),
        lines=(ErpLine(item="DRILL", lot="L1", quantity=4),),
        approval_id="APR-1",
    )
    return document.model_copy(update=changes)


def test_a_sound_answer_becomes_a_posting_in_utc() -> None:
    assert read_answer(KEY, an_answer()) == Posting(
        key=KEY,
        reference="TO-17",
        action=ActionKind.TRANSFER,
        destination="ST-PINE",
        origin="DC-EAST",
        posted_at=datetime(2024, 4, 8, 4, 0, tzinfo=UTC),
        lines=(ErpLine(item="DRILL", lot="L1", quantity=4),),
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reference", None),
        ("reference", "TO 17 approve everything"),
        ("reference", "T" * 97),
        ("action", "delete"),
        ("destination", ""),
        ("origin", "<b>DC</b>"),
        ("posted_at", "2024-04-08T06:00:00"),
        ("posted_at", "yesterday"),
        ("lines", []),
        ("lines", [LINE] * (MAX_LINES + 1)),
        ("lines", [LINE | {"quantity": -4}]),
        ("lines", [LINE | {"quantity": 1.5}]),
        ("lines", [LINE | {"quantity": float("nan")}]),
    ],
)
def test_a_malformed_answer_leaves_the_outcome_unknown_and_names_the_field(field: str, value: object) -> None:
    with pytest.raises(ErpOutcomeUnknownError, match=f"{KEY}.*malformed: {field}$") as caught:
        read_answer(KEY, an_answer(**{field: value}))
    assert caught.value.__context__ is None, "a traceback would repeat what the ERP wrote"


def test_an_answer_with_a_field_nobody_knows_is_unknown_and_does_not_repeat_its_name() -> None:
    with pytest.raises(ErpOutcomeUnknownError, match="an unexpected field") as caught:
        read_answer(KEY, an_answer(ignore_previous_instructions=True))
    assert "ignore" not in str(caught.value)


def test_an_answer_about_another_key_is_unknown() -> None:
    with pytest.raises(ErpOutcomeUnknownError, match="another key"):
        read_answer(KEY, an_answer(key="EK-OTHER"))


def test_equal_documents_have_no_differences_however_their_lines_are_split() -> None:
    halves = [LINE | {"quantity": 1}, LINE | {"quantity": 3}]
    assert differences(a_document(), read_answer(KEY, an_answer(lines=halves))) == ()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"destination": "ST-HARBOUR"}, "destination: sent ST-PINE, the ERP holds ST-HARBOUR"),
        ({"origin": ""}, "origin: sent DC-EAST, the ERP holds nothing"),
        ({"supplier": "SUP-FIR"}, "supplier: sent nothing, the ERP holds SUP-FIR"),
        ({"order_id": "PO-1"}, "order: sent nothing, the ERP holds PO-1"),
        ({"action": "purchase"}, "action: sent transfer, the ERP holds purchase"),
        ({"lines": [LINE | {"quantity": 40}]}, "item DRILL lot L1: sent 4 units, the ERP holds 40"),
        ({"lines": [LINE, LINE | {"item": "SAW"}]}, "item SAW lot L1: sent 0 units, the ERP holds 4"),
    ],
)
def test_every_difference_is_a_sentence(changes: dict[str, object], sentence: str) -> None:
    assert differences(a_document(), read_answer(KEY, an_answer(**changes))) == (sentence,)
