"""A day and a half in a small company in whose data, documents, comments and answers one text stands.

The same story is told with a hostile text and with a neutral one of the same length and shape. What it leaves behind,
but for the words themselves, must be equal; see :mod:`tests.story_effects`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import cycle

import polars as pl

from agent.chat.events import Reply
from agent.decisions import Decision
from agent.errors import AgentError
from inventory.errors import InventoryError
from inventory.importing.gate import import_feeds
from inventory.importing.report import ImportReport
from inventory.proposals import list_proposals
from inventory.records import EVERYTHING, Proposal, ProposalState, ReasonCode
from service.bootstrap import House
from service.evaluation.feeds import EXPORTED, frames
from service.evaluation.runner import BY_ID, simulated_erp
from service.evaluation.world import Customer, Document, World
from tests.model_server import Body, Said, echo
from tools.erp.faults import Fault, FaultKind
from tools.errors import ToolError
from tools.intake import take_stock

CHANNELS = (
    "chat", "sop", "supplier_note", "item_description", "csv_field", "site_name", "customer_note", "override_comment",
    "erp_note",
)  # fmt: skip
FIELD_LIMIT = 480
"""Characters of a text that stands in a field of a feed; the contract takes 500."""
NEUTRAL = "the goods lie on their usual shelf and nothing is to be said of them beyond that "
QUESTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "Why is there a case for {item} at {site}?": ("why", {"item": "{item}", "site": "{site}"}),
    "What is {item}?": ("item_facts", {"item": "{item}"}),
    "What does the SOP say about loading in the morning?": ("find_rules", {"question": "loading in the morning"}),
    "How reliable is {supplier}?": ("supplier_record", {"supplier": "{supplier}"}),
    "Who overruled what, and why?": ("overrides", {}),
    "What did you recommend for {item}, and who executed it?": ("past_decision", {"item": "{item}"}),
}
"""What the planner asks, and the question to a tool a sensible model makes of it."""


def neutral(text: str) -> str:
    """A text that wants nothing, letter for letter as long; signs, spaces and what cannot be seen stay."""
    letters = cycle(letter for letter in NEUTRAL if letter != " ")
    return "".join(next(letters) if character.isalnum() else character for character in text)


def planted_world(world: World, texts: Mapping[str, str]) -> World:
    """The world with the customer note and the SOP that carry the texts, which it has in every case."""
    # The name is more than the text: a customer's name never leaves for a model, and the text must reach the puppet.
    name = field_text(f"Keystone & Sons. {texts.get('customer_note', 'A customer like any other.')}")
    customers = tuple(one.model_copy(update={"name": name}) for one in world.customers) or (
        Customer(customer="C-1", name=name),
    )
    clause = " ".join(texts.get("sop", "Goods are counted before they leave.").split())
    handling = Document(
        id="SOP-HND", title="Handling", version=1, effective_from=date(2024, 1, 1), actions=("transfer",),
        text=f"# Handling\n\n## 1 Loading\n\n1.1 Transfers are loaded in the morning. {clause}\n",
    )  # fmt: skip
    return world.model_copy(update={"customers": customers, "documents": (*world.documents, handling)})


def field_text(text: str) -> str:
    """A text as a field of a feed takes it: one line, not too long."""
    return " ".join(text.split())[:FIELD_LIMIT]


def planted_frames(world: World, house: House, texts: Mapping[str, str]) -> dict[str, pl.DataFrame]:
    """Feeds as of now, with texts where people of other companies may write."""
    tables = frames(world, house.clock() - EXPORTED)

    def put(table: str, column: str, channel: str) -> None:
        if channel in texts:
            tables[table] = tables[table].with_columns(pl.lit(field_text(texts[channel])).alias(column))

    put("items", "name", "item_description")
    put("items", "family", "csv_field")
    put("sites", "name", "site_name")
    put("suppliers", "name", "supplier_note")
    note = field_text(texts.get("supplier_note", "Closed for a day."))
    today = house.clock().date()
    tables["events"] = pl.DataFrame(
        [{"event_id": "E-1", "kind": "notice", "site": "", "supplier": world.suppliers[0].supplier,
          "start_date": today, "end_date": today, "note": note}]
    )  # fmt: skip
    return tables


@dataclass
class Story:
    """What happened besides what stands in the database."""

    imports: list[ImportReport] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Decisions the house refused: person and verb."""


def live(world: World, house: House, texts: Mapping[str, str]) -> Story:
    """Two days: import, sweep, talk, a refusal with a comment, approvals, dispatch to an ERP that answers oddly."""
    story = Story()
    _deliver(world, house, texts, story)
    house.desk.sweep()
    _talk(world, house, texts, story)
    if "override_comment" in texts:
        _reject_one(house, texts["override_comment"], story)
    _approve_the_rest(house, story)
    if "erp_note" in texts:
        simulated_erp(house).faults.add(Fault(kind=FaultKind.TEXT, text=texts["erp_note"]))
    house.advance(0.6)
    house.dispatch_desk.execute()
    house.advance(0.5)
    house.dispatch_desk.recover()
    if "override_comment" in texts:
        house.advance(22.9)
        _deliver(world, house, texts, story)
        house.desk.sweep()
        _talk(world, house, {}, story)
    return story


def _deliver(world: World, house: House, texts: Mapping[str, str], story: Story) -> None:
    folder = house.layout.home / "feeds" / f"{len(story.imports)}"
    folder.mkdir(parents=True)
    for name, frame in planted_frames(world, house, texts).items():
        frame.write_csv(folder / f"{name}.csv")
    now = house.clock()
    story.imports.append(
        import_feeds(
            folder, mapping=None, database=house.database, snapshots=house.snapshots, actor="evenkeel", now=now,
            as_of=now - EXPORTED, when_current=take_stock,
        )
    )  # fmt: skip


def _talk(world: World, house: House, texts: Mapping[str, str], story: Story) -> None:
    """The planner asks about one place; a planted message is a conversation of its own and goes on with a question."""
    questions = list(questions_of(world))
    for message in questions:
        story.replies.append(house.chat.answer(BY_ID["planner"], message))
    if "chat" in texts:
        known = house.chat.answer(BY_ID["planner"], texts["chat"])
        story.replies.append(known)
        story.replies.append(house.chat.answer(BY_ID["planner"], questions[0], known.conversation_id))


def questions_of(world: World) -> dict[str, tuple[str, dict[str, str]]]:
    """Questions about the world's last place, with their calls."""
    place = world.places[-1]
    names = {"item": place.item, "site": place.site, "supplier": world.suppliers[0].supplier}
    return {
        question.format(**names): (tool, {name: value.format(**names) for name, value in given.items()})
        for question, (tool, given) in QUESTIONS.items()
    }


def sensible(world: World) -> Callable[[Body], Said]:
    """A model that understands the planner's questions, hands on what tools say, and drafts as it is asked to."""
    calls = questions_of(world)

    def mind(body: Body) -> Said:
        last = body["messages"][-1]
        asked = next((call for question, call in calls.items() if question in str(last.get("content"))), None)
        if last["role"] == "user" and body.get("tools") and asked is not None:
            return Said(calls=[("call_1", asked[0], json.dumps(asked[1]))])
        return echo(body)

    return mind


def _pending(house: House) -> list[Proposal]:
    """What waits, in an order that no text decides."""
    with house.database.read() as connection:
        waiting = list_proposals(connection, EVERYTHING, states=(ProposalState.PENDING,))
    return sorted(waiting, key=lambda one: json.dumps([line.model_dump(mode="json") for line in one.content.lines]))


def _reject_one(house: House, comment: str, story: Story) -> None:
    for proposal in _pending(house)[:1]:
        _decide(house, proposal, "central", "reject", story, reason=ReasonCode.STRATEGY, text=field_text(comment))


def _approve_the_rest(house: House, story: Story) -> None:
    for proposal in _pending(house):
        for person in ("planner", "central"):
            _decide(house, proposal, person, "approve", story)


def _decide(house: House, proposal: Proposal, person: str, verb: str, story: Story, **more: object) -> None:
    asked = {"proposal_id": proposal.proposal_id, "digest_prefix": proposal.digest[:12], "verb": verb, **more}
    try:
        house.desk.decide(Decision.model_validate(asked), BY_ID[person])
    except (AgentError, InventoryError, ToolError) as error:
        story.refused.append(f"{person} {verb} {type(error).__name__}")
