"""Wiring of the language model: from settings to the door, and to who words drafts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.drafting import Drafter, TemplateDrafter
from agent.errors import PolicyError
from inventory.errors import SnapshotError
from inventory.snapshots import Snapshot
from service.errors import SettingsError
from service.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from agent.models.door import ModelDoor
    from tools.toolbox import Toolbox


def open_door(settings: Settings, toolbox: Toolbox) -> ModelDoor | None:
    """The door to the model the settings name; none when they name none.

    Raises
    ------
    SettingsError
        If the endpoint has no model name, or the egress policy cannot be read.
    """
    if settings.model_url is None:
        return None
    from agent.models.caps import SqlCallBook
    from agent.models.door import ModelDoor
    from agent.models.egress import packaged_egress, read_egress
    from agent.models.settings import ModelSettings

    if not settings.model_name:
        raise SettingsError("EVENKEEL_MODEL_URL names an endpoint, EVENKEEL_MODEL_NAME no model")
    known = ModelSettings.model_validate(
        {
            "base_url": settings.model_url,
            "model": settings.model_name,
            "kind": settings.model_kind,
            "structured_method": settings.model_structured_method,
            "extra_body": settings.model_extra_body,
            "total_seconds": settings.model_total_seconds,
            "calls_per_run": settings.model_calls_per_run,
            "calls_per_user_day": settings.model_calls_per_user_day,
            "calls_per_day": settings.model_calls_per_day,
            "tokens_per_day": settings.model_tokens_per_day,
            **({"api_key": settings.model_key} if settings.model_key is not None else {}),
        }
    )
    try:
        text = settings.egress.read_text(encoding="utf-8") if settings.egress is not None else packaged_egress()
        egress = read_egress(text)
    except (OSError, UnicodeDecodeError, PolicyError) as error:
        raise SettingsError(f"EVENKEEL_EGRESS: {error}") from None
    book = SqlCallBook(toolbox.database, toolbox.clock, known)
    return ModelDoor(known, egress, book, listed=lambda: customer_names(toolbox))


def drafter_of(door: ModelDoor | None) -> Drafter:
    """Who words explanations: the model behind the door, or the template."""
    if door is None:
        return TemplateDrafter()
    from agent.model_drafter import ModelDrafter

    return ModelDrafter(door)


def chat_model_of(door: ModelDoor | None) -> Callable[[str, str], BaseChatModel] | None:
    """What makes the chat's model for a user and a turn; none where there is no door, so that the rules answer."""
    if door is None:
        return None
    from agent.models.chat_model import DoorChatModel

    return DoorChatModel(door=door).for_turn


def customer_names(toolbox: Toolbox) -> tuple[str, ...]:
    """Names and ids of every customer the data knows; none before there is data."""
    try:
        return toolbox.made_of_snapshot(_customers)
    except SnapshotError:
        return ()


def _customers(snapshot: Snapshot) -> tuple[str, ...]:
    table = snapshot.table("customers")
    return tuple(sorted({*table["customer"].to_list(), *table["name"].to_list()}))
