"""What Evenkeel answers about each place of a scenario, and writes to suppliers, held against the facts it came from.

A planner asks of every planned place why there is a case and why nothing was sent, in plain words, through the chat. Of
an answer, and of a message to a supplier, every figure, date and id must be in a fact that code computed; the reading
is :mod:`agent.prose_check`'s, which knows nothing of the slots the sentences were made with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from inventory.record import Record
from inventory.records import EVERYTHING, User
from inventory.supplier_messages import list_messages
from service.bootstrap import House
from service.evaluation.slots import sentences_unsupported

QUESTIONS = {
    "why": "Why is {item} short at {site}?",
    "why_not": "Why did you not propose a transfer for {item} at {site}?",
}
"""By the capability that must answer it."""


class Spoken(Record):
    """How many texts there were, and what of them nothing stands behind."""

    texts: int
    unsupported: tuple[str, ...]


def listen(house: House, user: User) -> Spoken:
    """Ask about every place, and read every message to a supplier."""
    with house.database.read() as connection:
        messages = list_messages(connection, EVERYTHING)
    places = house.toolbox.snapshot().table("item_sites").select("item", "site").rows()
    wrong = [f"{item} at {site}, {what}" for item, site in places for what in _answered(house, user, item, site)]
    for message in messages:
        ids = {message.supplier, message.order_id, message.message_id, message.proposal_id}
        wrong += [f"{message.message_id}: {what}" for what in sentences_unsupported(message.text, message.facts, ids)]
    return Spoken(texts=len(QUESTIONS) * len(places) + len(messages), unsupported=tuple(wrong))


def _answered(house: House, user: User, item: str, site: str) -> Iterator[str]:
    for capability, question in QUESTIONS.items():
        reply = house.chat.answer(user, question.format(item=item, site=site))
        if [answer.capability for answer in reply.answers] != [capability]:
            yield f"{capability}: not answered but {reply.text!r}"
            continue
        (answer,) = reply.answers
        ids = {item, site, *_ids(answer.slots)}
        yield from (f"{capability}: {what}" for what in sentences_unsupported(reply.text, answer.slots, ids))


def _ids(slots: Mapping[str, str]) -> Collection[str]:
    """Facts of one word with a capital: ids as they are printed."""
    return {text for text in slots.values() if " " not in text and text[:1].isupper()}
