"""What the nodes of a chat turn work with, and what a turn has gathered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AnyMessage

from agent.chat.controls import Reason
from agent.chat.outcome import ToolCall
from agent.chat.vetting import Grounds, Vetting
from inventory.people import scope_of
from inventory.records import User
from tools.capabilities.answer import Answer
from tools.capabilities.names import Names
from tools.capabilities.registry import Capability
from tools.toolbox import Toolbox
from tools.tracing import Step


@dataclass(frozen=True)
class Bounds:
    """How much one turn may do."""

    steps: int = 5
    """Times the model is asked."""
    calls: int = 8
    """Questions to tools."""
    seconds: float = 60.0
    characters: int = 20_000
    """Words a model may say."""


@dataclass
class TurnWork:
    """What a turn has gathered so far; kept outside the graph's state, which holds plain data."""

    messages: list[AnyMessage]
    step: Step
    """The turn on record: what each node does is noted within it."""
    answers: list[tuple[ToolCall, Answer, str]] = field(default_factory=list)
    """Call, answer, and the prefix of its slots."""
    facts: dict[str, str] = field(default_factory=dict)
    known_ids: set[str] = field(default_factory=set)
    refused: list[Reason] = field(default_factory=list)
    asked_back: str = ""
    choices: tuple[str, ...] = ()
    said: list[str] = field(default_factory=list)
    model: str = ""
    fell_back: bool = False
    """Whether the offline model took over."""
    worded: bool = False
    """Whether a model has put the answers into words that passed."""


@dataclass(frozen=True)
class ChatContext:
    """What the nodes work with; never part of a checkpoint."""

    toolbox: Toolbox
    user: User
    names: Names
    capabilities: dict[str, Capability]
    model: BaseChatModel
    fallback: BaseChatModel
    """The offline model; the same as ``model`` where there is no other."""
    said: tuple[str, ...]
    """The user's messages in this conversation, this one last."""
    computed: tuple[str | int | float, ...]
    """Values tools computed in earlier turns."""
    started: datetime
    work: TurnWork
    one_at_a_time: Lock
    """Held while a tool is asked."""
    bounds: Bounds = Bounds()

    @property
    def other(self) -> bool:
        """Whether a model other than the offline one is at work."""
        return self.model is not self.fallback and not self.work.fell_back

    @property
    def vetting(self) -> Vetting:
        """What stands between the model's calls and the tools at this point of the turn."""
        now = [fact.value for _, answer, _ in self.work.answers for fact in answer.facts.values()]
        grounds = Grounds.of(self.said, (*self.computed, *now), self.toolbox.now().date())
        return Vetting(self.names, scope_of(self.user), grounds)
