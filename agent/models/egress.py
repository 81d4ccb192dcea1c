"""What may leave the house: values an endpoint must not see go out as placeholders and come back as values."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from importlib.resources import files
from typing import Any, TypeVar
from urllib.parse import urlsplit

from langchain_core.messages import AIMessage, BaseMessage
from pydantic import Field as Default
from pydantic import ValidationError

from agent.errors import PolicyError
from inventory.record import Record

_AMOUNT = r"[-−]?\d(?:[\d.,'’ ]*\d)?(?:\s?(?:thousand|million|billion|k|mn|bn)\b)?"
_CURRENCY = r"(?:EUR|USD|GBP|CHF|JPY|CNY|PLN|SEK|NOK|DKK|CZK|HUF|CAD|AUD|INR|BRL|MXN|euros?|dollars?|pounds?|[€$£¥])"
_MONEY = re.compile(
    rf"(?<![\w«]){_CURRENCY}\s?{_AMOUNT}|(?<![\w.,«-]){_AMOUNT}\s?{_CURRENCY}(?!\w)"
    rf"|(?<=price )(?:of |is |was |: ?)?{_AMOUNT}|(?<=cost )(?:of |is |was |: ?)?{_AMOUNT}"
    rf"|(?<=margin )(?:of |is |was |: ?)?{_AMOUNT}",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"«[a-z_]+-\d+»")
LONGEST_PLACEHOLDER = 40
Message = TypeVar("Message", bound=BaseMessage)


class Field(Record):
    """A sort of value, and how one is known."""

    names: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    """Ids of documents whose words belong to it."""
    money: bool = False
    listed: bool = False


class EgressRule(Record):
    """What one endpoint may see, where it is and how long it keeps what it saw."""

    region: str = "not stated"
    retention: str = "not stated"
    may_leave: tuple[str, ...] = ()


class EgressPolicy(Record):
    """The whole policy."""

    fields: dict[str, Field]
    default: EgressRule = EgressRule()
    endpoints: dict[str, EgressRule] = Default(default_factory=dict)

    def rule_for(self, base_url: str) -> EgressRule:
        """The rule for an endpoint, by host and port or by host."""
        where = urlsplit(base_url)
        known = (where.netloc.rpartition("@")[2], where.hostname or "")
        return next((self.endpoints[name] for name in known if name in self.endpoints), self.default)

    def withheld(self, rule: EgressRule) -> dict[str, Field]:
        """Fields that must not leave under a rule."""
        return {name: kind for name, kind in self.fields.items() if name not in rule.may_leave}


def read_egress(text: str) -> EgressPolicy:
    """The policy a TOML text holds.

    Raises
    ------
    PolicyError
        If it cannot be read, or a rule names a field there is not.
    """
    try:
        policy = EgressPolicy.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise PolicyError(f"the egress policy cannot be read: {error}") from None
    for rule in (policy.default, *policy.endpoints.values()):
        for name in rule.may_leave:
            if name not in policy.fields:
                raise PolicyError(f"the egress policy lets {name!r} leave, which is none of {sorted(policy.fields)}")
    return policy


def packaged_egress() -> str:
    """The policy that holds when none is configured: nothing but words, ids, units and dates leaves."""
    return files("agent.models").joinpath("egress.toml").read_text(encoding="utf-8")


@dataclass
class Shield:
    """Hides what one question must not show, and puts it back into the answer.

    Parameters
    ----------
    withheld
        Fields that must not leave.
    listed
        Names and ids of the fields that are known by list.
    """

    withheld: dict[str, Field]
    listed: Sequence[str] = ()
    _by_value: dict[str, str] = field(default_factory=dict)
    _by_placeholder: dict[str, str] = field(default_factory=dict)

    def hide_messages(self, messages: Iterable[BaseMessage]) -> list[BaseMessage]:
        """The messages as they may leave."""
        known = list(messages)
        for message in known:  # values named as a field's are learnt first, so that no other message tells them
            self._hidden_content(message)
        return [self._hidden(message) for message in known]

    @property
    def counts(self) -> dict[str, int]:
        """How many values of each field were replaced."""
        found = [placeholder.strip("«»").rpartition("-")[0] for placeholder in self._by_placeholder]
        return {name: found.count(name) for name in sorted(set(found))}

    def restore(self, text: str) -> str:
        """Words with every placeholder of this question replaced by its value."""
        return _PLACEHOLDER.sub(lambda found: self._by_placeholder.get(found.group(), found.group()), text)

    def restored(self, value: Any) -> Any:
        """Plain data with every placeholder replaced."""
        if isinstance(value, str):
            return self.restore(value)
        if isinstance(value, dict):
            return {self.restore(name): self.restored(part) for name, part in value.items()}
        return [self.restored(part) for part in value] if isinstance(value, list) else value

    def _hidden(self, message: Message) -> Message:
        changed: dict[str, Any] = {"content": self._hidden_content(message)}
        if isinstance(message, AIMessage) and message.tool_calls:
            changed["tool_calls"] = [{**call, "args": self._walk(call["args"], "")} for call in message.tool_calls]
        return message.model_copy(update=changed)

    def _hidden_content(self, message: BaseMessage) -> str:
        text = str(message.text)
        if text.startswith(("{", "[")):
            try:
                return json.dumps(self._walk(json.loads(text), ""), ensure_ascii=False)
            except ValueError:
                pass  # words that only begin like data
        return self._words(text)

    def _walk(self, value: Any, name: str) -> Any:
        """Data with what belongs to a withheld field replaced, by the name it stands under."""
        if isinstance(value, dict):
            return {key: self._walk(part, self._quoted_field(key, value) or key) for key, part in value.items()}
        if isinstance(value, list):
            return [self._walk(part, name) for part in value]
        kind = self._field_of(name)
        if kind and value not in (None, "", True, False) and not self._is_slotted(value):
            return self._placeholder(kind, str(value))
        return self._words(value) if isinstance(value, str) else value

    def _field_of(self, name: str) -> str:
        if name.startswith("="):
            return name[1:]
        lowered = name.lower()
        return next(
            (field for field, kind in self.withheld.items() if any(fnmatchcase(lowered, each) for each in kind.names)),
            "",
        )

    def _quoted_field(self, key: str, data: dict[str, Any]) -> str:
        """``=`` and the field of the document that words beside its id are from; empty for other keys."""
        stem = re.fullmatch(r"(.*?)(?:text|quote|passage|words)", key)
        if stem is None:
            return ""
        ids = [str(part).split("@")[0] for name, part in data.items() if name.startswith(f"{stem.group(1)}document")]
        for name, kind in self.withheld.items():
            if any(fnmatchcase(each, pattern) for each in ids for pattern in kind.documents):
                return f"={name}"
        return ""

    @staticmethod
    def _is_slotted(value: Any) -> bool:
        """A sentence with slots holds no value of its own."""
        return isinstance(value, str) and "{{" in value

    def _words(self, text: str) -> str:
        text = text.replace("«", "‹").replace("»", "›")
        for value in sorted(self._by_value, key=len, reverse=True):
            if len(value) > 2 and value in text:
                text = re.sub(rf"(?<![\w.,«]){re.escape(value)}(?![\w»])", self._by_value[value], text)
        if self._names is not None:
            text = self._names.sub(lambda found: self._placeholder("customer", found.group()), text)
        if any(kind.money for kind in self.withheld.values()):
            money = next(name for name, kind in self.withheld.items() if kind.money)
            text = _MONEY.sub(lambda found: self._placeholder(money, found.group()), text)
        return text

    @cached_property
    def _names(self) -> re.Pattern[str] | None:
        if not self.listed or not any(kind.listed for kind in self.withheld.values()):
            return None
        longest_first = sorted({name for name in self.listed if len(name) > 2}, key=lambda name: (-len(name), name))
        words = "|".join(re.escape(name) for name in longest_first)
        return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE) if words else None

    def _placeholder(self, name: str, value: str) -> str:
        if _PLACEHOLDER.fullmatch(value):
            return value
        if value not in self._by_value:
            number = 1 + sum(known.startswith(f"«{name}-") for known in self._by_placeholder)
            self._by_value[value] = f"«{name}-{number}»"
            self._by_placeholder[f"«{name}-{number}»"] = value
        return self._by_value[value]


@dataclass
class Restorer:
    """Puts values back into words that come piece by piece."""

    shield: Shield
    _waiting: str = ""

    def hear(self, piece: str) -> str:
        """What can be shown now; the beginning of a placeholder waits for its end."""
        self._waiting += piece
        opened = self._waiting.rfind("«")
        cut = len(self._waiting)
        if opened >= 0 and "»" not in self._waiting[opened:] and cut - opened <= LONGEST_PLACEHOLDER:
            cut = opened
        ready, self._waiting = self._waiting[:cut], self._waiting[cut:]
        return self.shield.restore(ready)

    def rest(self) -> str:
        """What was waiting when the words ended."""
        rest, self._waiting = self._waiting, ""
        return self.shield.restore(rest)
