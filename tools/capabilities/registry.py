"""A capability: a specification with the function behind it, and who asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import Connection

from inventory.errors import AccessError
from inventory.people import scope_of
from inventory.records import Scope, User
from inventory.snapshots import Snapshot
from tools.arrays import class_of
from tools.capabilities.answer import Answer
from tools.capabilities.arguments import Arguments
from tools.capabilities.catalogue import SPECIFICATION_OF, Effect
from tools.errors import ToolInputError
from tools.toolbox import Toolbox
from tools.tracing import trace_tool

SITES = ("site", "origin", "destination")
"""Arguments that name a site."""


def item_classes(snapshot: Snapshot) -> dict[str, str]:
    """Class of each item of a snapshot."""
    rows = snapshot.table("items").select("item", "flags")
    return {item: class_of(flags) for item, flags in rows.iter_rows()}


A = TypeVar("A", bound=Arguments)
R = TypeVar("R", bound=Answer)


@dataclass(frozen=True)
class Asking:
    """Who asks, and on what: handed in by chat, command line or server, never by a model."""

    toolbox: Toolbox
    connection: Connection
    user: User

    @property
    def scope(self) -> Scope:
        """What the asking user may see."""
        return scope_of(self.user)

    def item_class(self, item: str) -> str:
        """Class of an item, by which rights and rules tell items apart; ``standard`` for one nobody knows."""
        return self.toolbox.made_of_snapshot(item_classes).get(item, "standard")

    def sees_class(self, item: str) -> bool:
        """Whether the asker may see items of that class at all."""
        classes = self.scope.item_classes
        return classes is None or self.item_class(item) in classes


@dataclass(frozen=True)
class Capability:
    """One question that may be asked."""

    name: str
    description: str
    effect: Effect
    arguments: type[Arguments]
    answer: type[Answer]
    function: Callable[[Asking, Any], Answer]

    def schema(self) -> dict[str, Any]:
        """JSON schema of the arguments."""
        return self.arguments.model_json_schema()

    def read(self, arguments: Mapping[str, Any]) -> Arguments:
        """Raw arguments as a record.

        Raises
        ------
        ToolInputError
            Naming the argument and what was expected.
        """
        try:
            return self.arguments.model_validate(dict(arguments))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ToolInputError(f"{self.name}: {place}: {first['msg']}") from error

    def run(self, asking: Asking, arguments: Mapping[str, Any] | Arguments) -> Answer:
        """The answer for whoever asks.

        Raises
        ------
        ToolInputError
            If an argument cannot be understood.
        AccessError
            If it names a site the asker may not see, whether or not there is one.
        NotFoundError
            If what it names is not there, or not for the asker to see.
        """
        known = arguments if isinstance(arguments, Arguments) else self.read(arguments)
        with trace_tool(asking.toolbox, self.name, known) as gave:
            refuse_foreign_sites(asking.scope, known)
            answer = self.function(asking, known)
            gave(answer)
        return answer


def capability(name: str, function: Callable[[Asking, A], R], answer: type[R] | type[Answer] = Answer) -> Capability:
    """The function behind a specification of the catalogue."""
    known = SPECIFICATION_OF[name]
    return Capability(name, known.description, known.effect, known.arguments, answer, function)


def refuse_foreign_sites(scope: Scope, arguments: Arguments) -> None:
    """Refuse what names a site outside a scope, in words that tell nothing about it."""
    if scope.sites is None:
        return
    named = [str(site) for name in SITES if (site := getattr(arguments, name, None)) is not None]
    if any(site not in scope.sites for site in named):
        raise AccessError(f"you may see {', '.join(sorted(scope.sites)) or 'no site'}")
