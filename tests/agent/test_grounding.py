"""True sentences pass; a smuggled figure, date, id, unit or direction is caught."""

from __future__ import annotations

import pytest

from agent.errors import GroundingError
from agent.grounding import ViolationKind, check_prose, fill, ground

FACTS = {
    "item": "BOLT-M8",
    "units": "120 units",
    "cost": "1,240 EUR",
    "gain": "9,390 EUR",
    "line_1_origin": "DC-EAST",
    "line_1_destination": "HAM",
    "arrival": "8 Apr 2024",
    "bites_on": "12 Apr 2024",
    "cover": "6.1 days",
    "share": "97 %",
    "supplier": "SUP-LARCH",
    "rule": "SOP-7 version 3, clause 4.2",
}
IDS = ("BOLT-M8", "DC-EAST", "HAM", "SUP-LARCH", "SOP-7", "PO/2024/17")

TRUE_SENTENCES = """
{{item}} runs short from {{bites_on}}.
Send {{units}} from {{line_1_origin}} to {{line_1_destination}}.
It costs {{cost}}, and saves {{gain}}.
The supplier {{supplier}} is late; the order will not arrive before {{bites_on}}.
Stock may run out, so act early.
They may ask why; no one has to guess.
The sites help one another.
Cover drops by {{cover}}.
- {{units}} of {{item}}
- cost: {{cost}}
Why this? Because it gains {{gain}}!
(see {{rule}})
"{{rule}}" applies.
**{{gain}}** is what it is worth net.
Afterwards {{share}} of demand is met.
Holding costs nothing but leaves the shortage in place.
Buying is cheaper, yet it comes after {{bites_on}}.
The donor keeps its floor.
The lane is full, so nothing more fits.
Nothing in the range looked at would change the answer.
A late order and higher demand explain {{units}}.
The count was corrected; the books were wrong.
History is short, which lowers confidence.
It arrives by {{arrival}}, usually.
What limits it: the donor's floor.
The naïve choice would be to wait – this is better.
Expediting is dearer by {{cost}} than the transfer.
We keep the transfer small on purpose.
Someone should call {{supplier}}.
The plan weighs all open cases together.
Anyone on the site can check the count.
Often the fastest option is not the best; here it is.
Moving from {{line_1_origin}} spares the buyer a new order.
Stock goes to {{line_1_destination}} as soon as approved.
The weekend crew can receive it.
Both sites stay above their floor.
Much of the shortage comes from demand above plan.
The order is at sea and cannot be pulled in.
Several options were looked at, none is better.
The rule {{rule}} asks for a planner's agreement.
""".strip().splitlines()

SMUGGLED: list[tuple[ViolationKind, str]] = [
    ("numeral", "Send 120 of them."),
    ("numeral", "Send １２０ of them."),
    ("numeral", "Send ١٢٠ of them."),
    ("numeral", "Send ½ of it."),
    ("numeral", "Send x² of it."),
    ("numeral", "Send ⑫ of them."),
    ("numeral", "Send Ⅻ of them."),
    ("numeral", "Send XII of them."),
    ("numeral", "Phase II starts."),
    ("numeral", "Around 5k in cost."),
    ("numeral", "It costs {{cost}} or 1300."),
    ("numeral", "By 2024-04-12."),
    ("numeral", "𝟏𝟐𝟎 is enough."),
    ("number word", "Send twelve of them."),
    ("number word", "Send TWELVE of them."),
    ("number word", "Send twenty-five of them."),
    ("number word", "Send one pallet."),
    ("number word", "Only one of the sites gives."),
    ("number word", "A dozen would do."),
    ("number word", "Half of it is late."),
    ("number word", "A quarter is late."),
    ("number word", "Two thirds are late."),
    ("number word", "A third is late."),
    ("number word", "Demand doubled."),
    ("number word", "Demand is twice the plan."),
    ("number word", "Demand tripled."),
    ("number word", "A couple of days late."),
    ("number word", "Several hundred are missing."),
    ("number word", "It is worth {{gain}} thousand."),
    ("number word", "A threefold rise."),
    ("number word", "A ten\u0301th of it."),
    ("number word", "A pair of orders is late."),
    ("number word", "Cost: minus {{cost}}."),
    ("number word", "Send tw**o** of them."),
    ("number word", "Send five_hundred of them."),
    ("number word", "Send ｔｗｅｌｖｅ of them."),
    ("date word", "It comes in April."),
    ("date word", "It comes in May."),
    ("date word", "It comes on Monday."),
    ("date word", "It comes on FRIDAY."),
    ("date word", "It comes on Tue."),
    ("date word", "It comes in Sept."),
    ("date word", "It comes tomorrow."),
    ("id", "The bolt-m8 is short."),
    ("id", "Send it to HAM."),
    ("id", "Send it to ham, quickly."),
    ("id", "Ask Sup-Larch about it."),
    ("id", "It is bolt-m8@ham again."),
    ("id", "Send it to 'HAM'."),
    ("id", "Send it to ＨＡＭ."),
    ("slot", "It costs {{price}}."),
    ("slot", "It costs {{cost."),
    ("slot", "It costs {cost}."),
    ("slot", "It costs {{Cost}}."),
    ("slot", "It costs {{ cost }}."),
    ("glued slot", "It costs -{{cost}}."),
    ("glued slot", "It costs −{{cost}}."),
    ("glued slot", "Send {{units}}{{units}}."),
    ("glued slot", "It costs {{cost}}k."),
    ("glued slot", "It takes {{units}}.x of them."),
    ("number word", "It costs {{cost}} million euros each."),
    ("unit", "It costs {{cost}} USD."),
    ("unit", "Send {{units}} pallets."),
    ("unit", "It costs {{cost}} % of the value."),
    ("direction", "Send it from {{line_1_destination}} to the other site."),
    ("direction", "Send it to {{line_1_origin}} at once."),
    ("character", "Send tw\u200bo of them."),
    ("character", "Send \u202etfel ti."),
    ("character", "Send tw\u043e of them."),
    ("character", "Send 五 of them."),
    ("character", "Send it at 🕐 sharp."),
    ("character", "Send it so\u00adon."),
]


@pytest.mark.parametrize("sentence", TRUE_SENTENCES)
def test_a_true_sentence_passes(sentence: str) -> None:
    assert check_prose(sentence, FACTS, IDS) == ()
    assert "{{" not in ground(sentence, FACTS, IDS)


@pytest.mark.parametrize(("kind", "sentence"), SMUGGLED)
def test_a_smuggled_statement_is_caught_by_kind(kind: ViolationKind, sentence: str) -> None:
    assert kind in {violation.kind for violation in check_prose(sentence, FACTS, IDS)}
    with pytest.raises(GroundingError, match=kind):
        ground(sentence, FACTS, IDS)


def test_the_error_lists_every_violation() -> None:
    with pytest.raises(GroundingError) as caught:
        ground("Send twelve to HAM on Monday for {{price}}.", FACTS, IDS)
    for found in ("twelve", "HAM", "Monday", "price"):
        assert found in str(caught.value)


def test_slots_are_filled_once_and_a_fact_is_never_read_as_a_slot() -> None:
    assert fill("{{a}} and {{b}}", {"a": "{{b}}", "b": "2"}) == "{{b}} and 2"


def test_filling_a_slot_without_a_fact_is_an_error() -> None:
    with pytest.raises(GroundingError, match="price"):
        fill("{{price}}", FACTS)


def test_a_hidden_character_inside_a_fact_is_caught() -> None:
    (violation,) = check_prose("See {{rule}}.", {"rule": "SOP\u202e-7"}, IDS)
    assert violation.found == "hidden character in the fact rule"


def test_ids_count_as_whole_words_only() -> None:
    assert check_prose("The hammer hangs in the champagne bar.", FACTS, ("HAM",)) == ()


def test_empty_prose_and_no_ids_are_fine() -> None:
    assert ground("", {}, ()) == ""
