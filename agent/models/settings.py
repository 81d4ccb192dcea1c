"""Which language model is asked, and how much it may cost in time, words and calls."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SecretStr

from inventory.record import Record

StructuredMethod = Literal["json_schema", "function_calling", "json_mode"]


class ModelSettings(Record):
    """One OpenAI-compatible endpoint: OpenAI, Azure, vLLM, Ollama or another."""

    base_url: str
    """``https://host/v1``; of Azure the resource's address."""
    api_key: SecretStr = SecretStr("none")
    """Servers that need none take any."""
    model: str
    """Name of the model; of Azure the deployment."""
    kind: Literal["openai", "azure"] = "openai"
    api_version: str = "2024-10-21"
    """Azure only."""
    structured_method: StructuredMethod = "json_schema"
    """How an answer in a given form is asked for; servers differ in what they can."""
    use_responses_api: bool = False
    """Pinned, since a model's *name* can otherwise change the protocol."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """What else the server is to be sent, such as ``{"max_tokens": 800}`` where it knows the old field only."""
    temperature: float | None = 0.0
    max_output_tokens: int = Field(default=1_200, ge=1)

    connect_seconds: float = Field(default=5.0, gt=0)
    idle_seconds: float = Field(default=15.0, gt=0)
    """Longest silence, before the first byte and between two."""
    total_seconds: float = Field(default=40.0, gt=0)
    """Longest time of one question, retries and pauses included."""
    max_retries: int = Field(default=2, ge=0, le=2)
    backoff_seconds: float = Field(default=0.5, ge=0)
    """First pause before a retry; the next is twice as long, each shortened at random by up to half."""

    max_input_characters: int = Field(default=80_000, ge=1)
    max_output_characters: int = Field(default=40_000, ge=1)
    max_output_bytes: int = Field(default=2_000_000, ge=1)
    """Bytes read of one answer, notation included."""
    calls_per_run: int = Field(default=12, ge=0)
    """Of one draft or one chat turn."""
    calls_per_user_day: int = Field(default=400, ge=0)
    calls_per_day: int = Field(default=4_000, ge=0)
    tokens_per_day: int = Field(default=4_000_000, ge=0)

    breaker_failures: int = Field(default=5, ge=1)
    """Failures in a row after which the endpoint is left alone."""
    breaker_seconds: float = Field(default=60.0, gt=0)
    """For how long."""
