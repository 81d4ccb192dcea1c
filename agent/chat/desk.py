"""Where a person's messages come in: a turn is answered, remembered, and told piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock

from langchain_core.language_models import BaseChatModel
from langgraph.graph.state import CompiledStateGraph

from agent.capabilities.registry import all_capabilities
from agent.chat.context import Bounds, ChatContext, TurnWork
from agent.chat.conversation import REMEMBERED, messages_of
from agent.chat.events import ChatEvent, Reply
from agent.chat.graph import ChatState, build_chat_graph
from agent.chat.listening import bound
from agent.offline.directory import directory_of
from agent.offline.model import OfflineChatModel
from agent.tracing import CONVERSATION, own_place
from inventory.conversations import PutQuestion, SaidTurn, add_turn, start_conversation, turns_of
from inventory.people import scope_of
from inventory.record import short_id
from inventory.records import User
from tools.capabilities.registry import Capability
from tools.capabilities.surplus import half_year_sales
from tools.errors import ToolInputError
from tools.plain_words import is_hidden
from tools.toolbox import Toolbox
from tools.tracing import HOUSE, Step, begin, keep

LONGEST_MESSAGE = 2_000
FIRST_WORDS = "hello"
"""What the offline model is made to read before anybody has said anything."""
FACTS_KEPT = 400
"""Facts of a turn that later turns may refer to."""


@dataclass
class ChatDesk:
    """Answers what people ask.

    Parameters
    ----------
    model
        Any LangChain chat model that can call tools; the offline model when ``None``.
    model_for
        Makes the model of one turn from the user's id and the turn's, so that its calls are counted; stands above
        ``model``.
    """

    toolbox: Toolbox
    model: BaseChatModel | None = None
    model_for: Callable[[str, str], BaseChatModel] | None = None
    bounds: Bounds = field(default_factory=Bounds)
    capabilities: dict[str, Capability] = field(default_factory=all_capabilities)
    one_at_a_time: Lock = field(default_factory=Lock, repr=False)
    """Tools share what they have read; two turns at once ask them one after the other."""

    @cached_property
    def _graph(self) -> CompiledStateGraph[ChatState, ChatContext, ChatState, ChatState]:
        return build_chat_graph()

    def warm(self) -> None:
        """Read what all turns share before the first: names, words, rules, and what item-sites have in common."""
        toolbox = self.toolbox
        if toolbox.snapshots.current() is None:
            return
        snapshot = toolbox.snapshot()
        offline = OfflineChatModel(directory=directory_of(toolbox), today=toolbox.now().date())
        bound(offline, self.capabilities.values()).invoke(messages_of((), FIRST_WORDS, offline.today))
        with self.one_at_a_time, toolbox.database.read() as connection:
            toolbox.shared(snapshot)
            toolbox.option_facts(snapshot)
            toolbox.made_of_snapshot(half_year_sales)
            toolbox.knowledge(connection)

    def ask(self, user: User, said: str, conversation_id: str | None = None) -> Iterator[ChatEvent | Reply]:
        """The pieces of an answer as they are ready, and at the end the whole turn.

        Parameters
        ----------
        conversation_id
            A conversation of the user's own to go on with; a new one when ``None``.

        Raises
        ------
        ToolInputError
            If there are no words, or too many.
        NotFoundError
            If the conversation is not the user's.
        """
        words = "".join(each for each in said if not is_hidden(each) or each in "\n\t").strip()
        if not words or len(words) > LONGEST_MESSAGE:
            raise ToolInputError(f"a message has 1 to {LONGEST_MESSAGE} characters, this one {len(words)}")
        turns: list[SaidTurn] = []
        if conversation_id is not None:
            with self.toolbox.database.read() as connection:
                turns = turns_of(connection, scope_of(user), conversation_id, newest=REMEMBERED)
        context = self.context(user, turns, words)
        try:
            for event in self._graph.stream({}, {"recursion_limit": 40}, stream_mode="custom", context=context):
                assert isinstance(event, ChatEvent)
                yield event
        except (Exception, GeneratorExit) as error:  # also when nobody listens any more
            context.work.step.failed(error)
            self._keep_broken(user, context.work, conversation_id)
            raise
        yield self._remember(user, words, context.work, conversation_id)

    def answer(self, user: User, said: str, conversation_id: str | None = None) -> Reply:
        """The whole turn at once."""
        *_, reply = self.ask(user, said, conversation_id)
        assert isinstance(reply, Reply)
        return reply

    def context(self, user: User, turns: Sequence[SaidTurn], said: str) -> ChatContext:
        """What one turn works with."""
        directory, today = directory_of(self.toolbox), self.toolbox.now().date()
        offline = OfflineChatModel(directory=directory, today=today)
        turn = short_id("turn", user.user_id, self.toolbox.machine().isoformat(), said)
        other = self.model_for(user.user_id, turn) if self.model_for is not None else self.model
        return ChatContext(
            toolbox=self.toolbox,
            user=user,
            names=directory.names,
            capabilities=self.capabilities,
            model=other or offline,
            fallback=offline,
            said=(*(turn.said for turn in turns), said),
            computed=tuple(value for turn in turns for value in turn.facts.values()),
            started=self.toolbox.machine(),
            work=TurnWork(messages_of(turns, said, today), self._begun(said)),
            one_at_a_time=self.one_at_a_time,
            bounds=self.bounds,
        )

    def _begun(self, said: str) -> Step:
        step = begin(self.toolbox, "invoke_agent chat", HOUSE)
        step.words["prompt"] = said
        return step

    def _keep_broken(self, user: User, work: TurnWork, conversation_id: str | None) -> None:
        """A turn that came to no end is on record by itself where it began a conversation."""
        with self.toolbox.database.write(user.user_id, self.toolbox.now()) as transaction:
            lone = short_id("turn", user.user_id, work.step.began.isoformat(), work.step.words["prompt"])
            keep(transaction, [(work.step, own_place(user, conversation_id or lone, CONVERSATION))])

    def _remember(self, user: User, said: str, work: TurnWork, conversation_id: str | None) -> Reply:
        questions = tuple(PutQuestion(name=call.name, arguments=call.arguments) for call, _, _ in work.answers)
        facts = {
            f"{prefix}{name}": fact.value for _, answer, prefix in work.answers for name, fact in answer.facts.items()
        }
        now = self.toolbox.now()
        turn = SaidTurn(
            said=said,
            said_at=now,
            questions=questions,
            asked_back=work.asked_back,
            refused=tuple(work.refused),
            answer="\n".join(work.said),
            facts=dict(list(facts.items())[:FACTS_KEPT]),
            model=work.model,
        )
        with self.toolbox.database.write(user.user_id, now) as transaction:
            known = conversation_id or start_conversation(transaction, user.user_id)
            add_turn(transaction, user.user_id, known, turn)
            work.step.words["answer"] = turn.answer
            work.step.attributes["gen_ai.response.model"] = turn.model
            keep(transaction, [(work.step, own_place(user, known, CONVERSATION))])
        return Reply(
            conversation_id=known,
            text=turn.answer,
            questions=questions,
            refused=turn.refused,
            asked_back=work.asked_back,
            choices=work.choices,
            answers=tuple(answer for _, answer, _ in work.answers),
            sources=tuple(dict.fromkeys(source.text for _, answer, _ in work.answers for source in answer.sources)),
            model=work.model,
        )
