"""Digests: fixed for ever, equal for equal records, refused for what has no single spelling."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import pytest
from pydantic import ValidationError

from inventory.record import Record, canonical, canonical_record, digest, digest_text, load
from inventory.records import ErpLine, FeedHealth, Finding, KpiPoint, MoneyAtRisk, ProposalContent, Scope
from tests.inventory.record_examples import EXAMPLES, stored_kinds
from tests.inventory.worlds import GHENT, LYON, NOW, PORTO, a_content, a_finding, a_line, a_proposal

POINT = KpiPoint(sweep_id="sweep-1", name="fill_rate", site=PORTO, value=0.975, at=NOW)

GOLDEN = {
    "what an approver signs": (a_content(), "2024d897a87c4e842b1091fd1f26f5551c076e8eeb6179157d2ee47c5e17b884"),
    "a finding with measures": (a_finding(), "57de08383aba293f3a4fc948ca201e9e4c6b8d253201c1fa9543ab7664329072"),
    "a figure at a moment": (POINT, "d9e608294efb16fc7c613f472c2f2fe764a301a85b463e0671c106ee39d70390"),
}


@pytest.mark.parametrize(("record", "expected"), GOLDEN.values(), ids=GOLDEN)
def test_digest_never_drifts(record: Record, expected: str) -> None:
    assert digest(record) == expected


def test_digest_is_sha256_of_prefix_type_and_canonical_json() -> None:
    by_hand = (
        "evenkeel.digest.v1\nKpiPoint\n"
        '{"at":"2026-03-02T06:00:00Z","name":"fill_rate","site":"PORTO","sweep_id":"sweep-1","value":0.975}'
    )
    assert digest(POINT) == hashlib.sha256(by_hand.encode()).hexdigest()


def test_two_kinds_with_the_same_content_have_two_digests() -> None:
    class OtherLine(ErpLine):
        pass

    line = ErpLine(item="LARCH-BOARD", quantity=3)
    assert canonical_record(line) == canonical_record(OtherLine(item="LARCH-BOARD", quantity=3))
    assert digest(line) != digest(OtherLine(item="LARCH-BOARD", quantity=3))


@pytest.mark.parametrize("hours", [-9, -3.5, 0, 1, 5.75, 14])
def test_one_moment_has_one_digest_in_every_time_zone(hours: float) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=hours)))
    moved = POINT.model_copy(update={"at": NOW})
    told = KpiPoint(sweep_id="sweep-1", name="fill_rate", site=PORTO, value=0.975, at=elsewhere)
    assert told == moved
    assert digest(told) == digest(POINT)


def test_a_moment_without_offset_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        KpiPoint(sweep_id="s", name="n", value=1.0, at=datetime(2026, 3, 2, 6, 0))  # noqa: DTZ001  # the point


@pytest.mark.parametrize("amount", [1250, 1250.0, "1250", "1250.00", Decimal("1250.00"), Decimal("1.25E3")], ids=repr)
def test_one_amount_has_one_digest_however_it_was_written(amount: object) -> None:
    written = MoneyAtRisk.model_validate({"margin": amount})
    assert written == MoneyAtRisk(margin=1250)
    assert digest(written) == digest(MoneyAtRisk(margin=1250))


@pytest.mark.parametrize("amount", [12.5, "12.5", Decimal("12.50"), "1e3", "twelve", Fraction(25, 2), None])
def test_an_amount_that_is_no_whole_number_of_minor_units_is_refused(amount: object) -> None:
    with pytest.raises(ValidationError):
        MoneyAtRisk.model_validate({"margin": amount})


def test_composed_and_decomposed_letters_are_one_text() -> None:
    composed, decomposed = a_finding(), a_finding()
    composed = Finding(**{**dict(composed), "note": "caf\u00e9"})
    decomposed = Finding(**{**dict(decomposed), "note": "cafe\u0301"})
    assert composed == decomposed
    assert digest(composed) == digest(decomposed)


def test_zero_and_minus_zero_are_equal_and_so_are_their_digests() -> None:
    zero = KpiPoint(sweep_id="s", name="n", value=0.0, at=NOW)
    minus = KpiPoint(sweep_id="s", name="n", value=-0.0, at=NOW)
    assert zero == minus
    assert digest(zero) == digest(minus)
    left, right = (Finding(**{**dict(a_finding()), "measures": {"units": value}}) for value in (0.0, -0.0))
    assert left == right
    assert digest(left) == digest(right)


def test_a_set_of_sites_is_written_in_order() -> None:
    scope = Scope(user="ines", sites=frozenset({PORTO, LYON, GHENT}), item_classes=frozenset({"standard", "regulated"}))
    assert canonical_record(scope) == (
        '{"item_classes":["regulated","standard"],"sites":["GHENT","LYON","PORTO"],"user":"ines"}'
    )


def test_digests_do_not_depend_on_the_hash_seed_of_the_process() -> None:
    script = (
        "from tests.inventory.record_examples import EXAMPLES\n"
        "from inventory.record import digest, digest_text\n"
        "import sys; sys.stdout.write(digest_text(*[digest(EXAMPLES[kind]) for kind in EXAMPLES]))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "4711", "PYTHONPATH": ":".join(sys.path)},
    ).stdout
    assert elsewhere == digest_text(*[digest(record) for record in EXAMPLES.values()])


@pytest.mark.parametrize("kind", stored_kinds(), ids=lambda kind: kind.__name__)
def test_every_stored_record_comes_back_equal(kind: type[Record]) -> None:
    assert kind in EXAMPLES, f"{kind.__name__} has no example in record_examples.py"
    record = EXAMPLES[kind]
    back = load(kind, canonical_record(record))
    assert back == record
    assert canonical_record(back) == canonical_record(record)
    assert digest(back) == digest(record)


@pytest.mark.parametrize("kind", stored_kinds(), ids=lambda kind: kind.__name__)
def test_every_example_fills_every_field(kind: type[Record]) -> None:
    """Otherwise the round trip above would prove little."""
    unset = set(kind.model_fields) - EXAMPLES[kind].model_fields_set
    assert unset == set()


@pytest.mark.parametrize("kind", stored_kinds(), ids=lambda kind: kind.__name__)
def test_no_record_takes_a_field_it_does_not_know(kind: type[Record]) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        kind.model_validate({**dict(EXAMPLES[kind]), "approved": True})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), "NaN", "Infinity"])
def test_numbers_that_are_not_finite_are_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="finite number"):
        KpiPoint.model_validate({**dict(POINT), "value": value})
    with pytest.raises(ValidationError, match="finite number"):
        Finding.model_validate({**dict(a_finding()), "measures": {"units": value}})


def test_canonical_json_has_no_word_for_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"units": float("nan")})


@pytest.mark.parametrize("text", ["a\x00b", "a\x1bb", "a\rb", "a\x7fb", "a\ud800b", "\udfff"], ids=ascii)
def test_control_characters_and_lone_surrogates_are_refused_in_words(text: str) -> None:
    with pytest.raises(ValidationError):
        Finding(**{**dict(a_finding()), "note": text})


def test_newline_tab_and_every_other_script_are_welcome_in_words() -> None:
    words = "Ærø → 東京\n\t− 12 ½ pallets 😀"
    assert Finding(**{**dict(a_finding()), "note": words}).note == words


@pytest.mark.parametrize(
    "identifier",
    ["LARCH-１２", "LARCH-٣", "LARCH BOARD", "", "x" * 97, "LARCH\n", "LARCH\x00", "LÄRCHE", "А-1", "a\ud800", "'; --"],
    ids=ascii,
)
def test_identifiers_are_short_ascii_without_spaces(identifier: str) -> None:
    with pytest.raises(ValidationError):
        ErpLine(item=identifier, quantity=1)


def test_a_record_cannot_be_changed() -> None:
    content = a_content()
    with pytest.raises(ValidationError, match="frozen"):
        content.value_minor = 1  # type: ignore[misc]  # the point


def test_any_change_to_what_was_signed_changes_the_digest() -> None:
    signed = a_content()
    other: dict[str, object] = {
        "case_id": "case-other",
        "version": 2,
        "action": "purchase",
        "lines": (a_line(41),),
        "value_minor": 98_001,
        "currency": "SEK",
        "snapshot_id": "snap-2",
        "plan_run_id": "plan-2",
        "policy_version": 2,
    }
    assert set(other) == set(ProposalContent.model_fields)
    changed = [ProposalContent.model_validate({**dict(signed), name: value}) for name, value in other.items()]
    assert len({digest(signed), *map(digest, changed)}) == len(other) + 1


def test_words_and_state_of_a_proposal_are_outside_its_digest() -> None:
    proposal = a_proposal()
    later = proposal.model_copy(update={"state_version": 9, "reason": "facts changed", "requested_by": "ines"})
    assert later.digest == proposal.digest == digest(a_content())


def test_texts_cannot_be_shifted_between_the_parts_of_a_digest() -> None:
    assert len({digest_text("ab", "c"), digest_text("a", "bc"), digest_text("abc"), digest_text("abc", "")}) == 4


def test_health_of_a_feed_keeps_its_moment_in_utc() -> None:
    told = datetime(2026, 3, 2, 8, 30, tzinfo=timezone(timedelta(hours=2, minutes=30)))
    health = FeedHealth(feed="stock", site=LYON, as_of=told, age_hours=0.0, score=1.0)
    assert health.as_of == NOW
    assert health.as_of.tzinfo is UTC
