"""How often models may be asked: per run, per person and day, and per day, counted in SQL before each call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from agent.models.result import ModelResult
from agent.models.settings import ModelSettings
from inventory.database import Database
from inventory.model_calls import CallTotals, ModelCall, add_call, call_totals, finish_call


@dataclass(frozen=True)
class Asker:
    """Who asks, and within what: the three things caps count."""

    user: str = "evenkeel"
    run: str = "run"
    """One draft, one chat turn."""
    purpose: str = "draft"


@dataclass(frozen=True)
class Admission:
    """Whether a call may be made."""

    call_id: str = ""
    refused: str = ""
    """The cap that is reached."""


class CallBook(Protocol):
    """Keeps count of calls."""

    def admit(self, asker: Asker, endpoint: str, model: str) -> Admission:
        """Take note of a call about to be made, unless a cap is reached."""
        ...

    def finish(self, call_id: str, result: ModelResult) -> None:
        """Take note of what came of it."""
        ...


@dataclass(frozen=True)
class SqlCallBook:
    """Counts in the house's database, so that the caps hold over every process."""

    database: Database
    clock: Callable[[], datetime]
    settings: ModelSettings

    def admit(self, asker: Asker, endpoint: str, model: str) -> Admission:
        """Count and enter in one write, so that two processes cannot both take the last call."""
        now = self.clock()
        with self.database.write(asker.user, now) as transaction:
            reached = self._reached(call_totals(transaction.connection, asker.user, asker.run, now.date()))
            if reached:
                return Admission(refused=reached)
            call = ModelCall(
                user_id=asker.user, run_id=asker.run, purpose=asker.purpose, endpoint=endpoint, model=model, at=now
            )
            return Admission(call_id=add_call(transaction, call))

    def finish(self, call_id: str, result: ModelResult) -> None:
        """Keep how it ended and what it took."""
        with self.database.write("evenkeel", self.clock()) as transaction:
            finish_call(transaction, call_id, result.kind.value, result.input_tokens, result.output_tokens)

    def _reached(self, totals: CallTotals) -> str:
        caps = (
            ("calls of a run", totals.of_run, self.settings.calls_per_run),
            ("calls of a person and day", totals.of_user, self.settings.calls_per_user_day),
            ("calls of a day", totals.of_day, self.settings.calls_per_day),
            ("tokens of a day", totals.tokens, self.settings.tokens_per_day),
        )
        return next((f"{name}: {used} of {limit}" for name, used, limit in caps if used >= limit), "")


@dataclass(frozen=True)
class NoCallBook:
    """Counts nothing; for trying an endpoint by hand."""

    def admit(self, asker: Asker, endpoint: str, model: str) -> Admission:
        """Always."""
        return Admission(call_id="call")

    def finish(self, call_id: str, result: ModelResult) -> None:
        """Nothing to keep."""
