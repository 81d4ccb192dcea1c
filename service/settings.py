"""Settings: environment variables that begin with ``EVENKEEL_``, read once at the door.

Secrets have no default. Nothing else in the house looks at the environment for its configuration.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.errors import SettingsError

PREFIX = "EVENKEEL_"
TEST_VARIABLES = ("EVENKEEL_CRASH_AT", "EVENKEEL_CRASH_AFTER")
"""Read by :mod:`inventory.crash_points`."""


class Settings(BaseSettings):
    """What the environment says; frozen once read."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    home: Path = Field(default_factory=lambda: platformdirs.user_data_path("evenkeel"))
    """The data directory."""
    token: SecretStr | None = None
    """API token of the person at the command line."""
    database_url: SecretStr | None = None
    """PostgreSQL database of a production home, postgresql://user@host/name; unset, and in a demo home always: a SQLite
    file in the home."""
    erp: Literal["simulated", "none"] | None = None
    """ERP that approved work is sent to; unset: the simulated one in a demo home, none in a production home."""
    rollout: Literal["shadow", "recommend", "guided", "auto"] | None = None
    """How far the roll-out is; unset: ``auto`` in a demo home, ``guided`` (a person decides) in a production home."""
    allow_non_loopback: bool = False
    """Lets ``serve`` listen to other machines."""
    workers: int | None = Field(default=None, ge=1)
    """Processes that look at the parts of a large network; unset: the sweep's own process."""
    solver_seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Wall-clock limit of one solver run; unset: the solver's node limit alone."""

    heads_folder: Path | None = None
    """Folder on other storage that every signed head of the audit chain is written to; unset: none."""
    heads_command: str | None = None
    """Command that is given every signed head on its standard input; unset: none."""

    model_url: str | None = None
    """OpenAI-compatible endpoint, ``https://host/v1``, of Azure the resource's address; unset: no language model."""
    model_key: SecretStr | None = None
    """Its key; servers that need none take any."""
    model_name: str = ""
    """Name of the model, of Azure the deployment."""
    model_kind: Literal["openai", "azure"] = "openai"
    """Which protocol it speaks."""
    model_structured_method: Literal["json_schema", "function_calling", "json_mode"] = "json_schema"
    """How it is asked for an answer in a given form."""
    model_extra_body: dict[str, Any] = Field(default_factory=dict)
    """JSON of what else it is to be sent, such as ``{"max_tokens": 800}``."""
    model_total_seconds: float = Field(default=40.0, gt=0, allow_inf_nan=False)
    """Longest time of one question to it, retries included."""
    model_calls_per_run: int = Field(default=12, ge=0)
    """Calls of one draft or one chat turn."""
    model_calls_per_user_day: int = Field(default=400, ge=0)
    """Calls of one person and day."""
    model_calls_per_day: int = Field(default=4_000, ge=0)
    """Calls of everybody and day."""
    model_tokens_per_day: int = Field(default=4_000_000, ge=0)
    """Tokens of everybody and day."""
    egress: Path | None = None
    """TOML file of what may leave to it; unset: no price, supplier term, margin or customer name."""

    otel_endpoint: str | None = None
    """OpenTelemetry collector, ``http://host:4317``, that the worker sends steps of the trace to, without their words;
    unset: nothing is sent."""

    retention_trace_days: int = Field(default=365, ge=1)
    """Days the words of the trace's steps are kept; afterwards only their digests are."""
    retention_chat_days: int = Field(default=90, ge=1)
    """Days a conversation nobody added to is kept."""
    retention_checkpoint_days: int = Field(default=30, ge=1)
    """Days scratch paper of the graphs is kept at the longest; that of a proposal at its end goes at once."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret of these settings by value, the password within an address by itself."""
        known = [secret.get_secret_value() for secret in (self.token, self.model_key, self.database_url) if secret]
        address = self.database_url.get_secret_value() if self.database_url else ""
        password = address.partition("://")[2].rpartition("@")[0].partition(":")[2]
        return tuple(each for each in (*known, password, unquote(password)) if each)

    @field_validator("home")
    @classmethod
    def _whole_path(cls, value: Path) -> Path:
        return value.expanduser().absolute()


def read_settings() -> Settings:
    """The settings of this process, which every door reads before it loads a graph.

    What passes through a graph goes to LangSmith only if the environment says so itself.

    Raises
    ------
    SettingsError
        Naming every variable that cannot be understood; values are not repeated, they may be secrets.
    """
    os.environ.setdefault("LANGSMITH_TRACING", "false")
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{'_'.join(str(step) for step in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors()
        )
        raise SettingsError(problems) from None


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Names that begin with the prefix and set nothing, sorted: probably misspelt."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | set(TEST_VARIABLES)
    return sorted(name for name in environment if name.upper().startswith(PREFIX) and name.upper() not in known)
