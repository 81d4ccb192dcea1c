"""What may leave: values of withheld fields go out as placeholders, wherever they stand, and come back as they were."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from agent.errors import PolicyError
from agent.models.egress import EgressRule, Restorer, Shield, packaged_egress, read_egress

POLICY = read_egress(packaged_egress())
LISTED = ["Zebrafink Retail", "CU-ZEBRA"]


def a_shield(*may_leave: str) -> Shield:
    return Shield(POLICY.withheld(EgressRule(may_leave=may_leave)), LISTED)


def left(shield: Shield, *messages: HumanMessage | ToolMessage | AIMessage) -> str:
    hidden = shield.hide_messages(messages)
    calls = [call for message in hidden if isinstance(message, AIMessage) for call in message.tool_calls]
    return "\n".join(str(message.text) for message in hidden) + json.dumps(calls, ensure_ascii=False)


@pytest.mark.parametrize(
    "canary",
    ["EUR 73.41", "73.41 EUR", "€73.41", "73.41€", "73,41 EUR", "EUR 7,341", "7 341 EUR", "7.3 thousand EUR",
     "−73.41 EUR", "USD 73.41", "73.41 dollars", "unit price of 73.41", "the cost is 73.41",
     "Zebrafink Retail", "ZEBRAFINK RETAIL",
     "CU-ZEBRA"],
)  # fmt: skip
def test_a_price_or_customer_in_any_words_never_leaves_and_comes_back(canary: str) -> None:
    shield = a_shield()
    sent = left(shield, HumanMessage(f"We were told {canary}, is that right?"))
    for part in ("73.41", "73,41", "7,341", "7 341", "7.3", "zebra"):
        assert part not in sent.lower()
    assert shield.restore(sent).startswith(f"We were told {canary}, is that right?")


def test_what_is_no_secret_stays_as_it_is() -> None:
    words = "Why are 120 units of P-10269 short at ST-PINE from 12 May 2024, with 97 % service and 14 days of cover?"
    assert left(a_shield(), HumanMessage(words)).startswith(words)


def test_values_under_the_name_of_a_withheld_field_never_leave() -> None:
    body = {
        "template": "It costs {{cost}} from {{supplier_1_lead_time}}.",
        "facts": {"cost": "73.41", "supplier_1_lead_time": "35 days", "margin_lost": "812", "customer": "Zeb",
                  "quantity": "120 units", "nested": [{"unit_price": 73.41}]},
    }  # fmt: skip
    shield = a_shield()
    message = ToolMessage(json.dumps(body), tool_call_id="a")
    again = HumanMessage("So the lead time is 35 days at 73.41?")
    sent = left(shield, again, message)
    for canary in ("73.41", "35 days", "812", 'Zeb"'):
        assert canary not in sent
    assert '"quantity": "120 units"' in sent
    assert "{{cost}} from {{supplier_1_lead_time}}" in sent
    assert shield.counts == {"customer": 1, "margin": 1, "price": 1, "supplier_term": 1}


def test_words_of_a_supplier_agreement_never_leave_and_those_of_a_procedure_do() -> None:
    facts = {"rule_1_document": "TRM-BIRCH-01", "rule_1_text": "Minimum 600, rebate above 2000.",
             "rule_2_document": "SOP-TRF-01", "rule_2_text": "A donor keeps its floor."}  # fmt: skip
    sent = left(a_shield(), ToolMessage(json.dumps({"facts": facts}), tool_call_id="a"))
    assert "Minimum 600" not in sent
    assert "A donor keeps its floor." in sent


def test_arguments_of_earlier_calls_are_covered_too() -> None:
    call = {"name": "look", "args": {"question": "what of EUR 73.41"}, "id": "a", "type": "tool_call"}
    assert "73.41" not in left(a_shield(), AIMessage("", tool_calls=[call]))


def test_an_endpoint_that_may_see_prices_sees_them_and_nothing_else() -> None:
    sent = left(a_shield("price"), HumanMessage("EUR 73.41 for Zebrafink Retail"))
    assert "EUR 73.41" in sent
    assert "Zebrafink" not in sent


def test_a_placeholder_somebody_writes_stands_for_nothing() -> None:
    shield = a_shield()
    left(shield, HumanMessage("It costs EUR 73.41. Say «price-1» and «customer-9»."))
    sent = left(shield, HumanMessage("Say «price-1»."))
    assert "«price-1»" not in sent
    assert shield.restore("«customer-9»") == "«customer-9»"


@given(st.text(alphabet="ab «»price-123", max_size=60), st.lists(st.integers(1, 7), max_size=20))
@settings(max_examples=200)
def test_words_in_pieces_come_back_like_words_in_one(words: str, cuts: list[int]) -> None:
    shield = a_shield()
    left(shield, HumanMessage("EUR 73.41 and EUR 9.99 and EUR 1"))
    text, restorer, shown = words, Restorer(shield), ""
    for cut in cuts:
        shown += restorer.hear(text[:cut])
        text = text[cut:]
    shown += restorer.hear(text) + restorer.rest()
    assert shown == shield.restore(words)


def test_the_rule_of_an_endpoint_is_found_by_host_and_port_or_host() -> None:
    policy = read_egress(
        packaged_egress() + '\n[endpoints."models.example"]\nregion = "EU"\nmay_leave = ["price"]\n'
        '[endpoints."models.example:8443"]\nregion = "here"\n'
    )
    assert policy.rule_for("https://models.example/v1").region == "EU"
    assert policy.rule_for("https://models.example:8443/v1").region == "here"
    assert policy.rule_for("https://elsewhere.example/v1").may_leave == ()


@pytest.mark.parametrize("text", ["fields = 7", "[default]\nmay_leave = ['prices']\n[fields.price]", "[[["])
def test_a_policy_that_cannot_be_understood_is_refused(text: str) -> None:
    with pytest.raises(PolicyError):
        read_egress(text)


def test_a_system_message_is_sent_as_it_is() -> None:
    (message,) = a_shield().hide_messages([SystemMessage("You help planners.")])
    assert message.text == "You help planners."
