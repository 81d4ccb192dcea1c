"""How long scratch paper, conversations and the words of the trace are kept, and throwing away what is older."""

from __future__ import annotations

from datetime import datetime, timedelta

from agent.checkpoints import open_checkpoints
from inventory.conversations import count_conversations_before, purge_conversations
from inventory.record import Record
from inventory.retention import count_calls_before, count_words_before, purge_calls, purge_words
from service.bootstrap import SERVICE_USER, House


class Purged(Record):
    """What was thrown away, or would be."""

    steps: int
    """Steps of the trace whose words went; their digests stay."""
    checkpoints: int
    """Threads of scratch paper, whatever became of their proposal."""
    conversations: int = 0
    """Conversations nobody added to any more."""
    model_calls: int = 0
    """Counted calls to language models."""

    @property
    def words(self) -> str:
        """One line for people."""
        return (
            f"words of {self.steps:,} steps of the trace, {self.checkpoints:,} checkpoints, "
            f"{self.conversations:,} conversations, {self.model_calls:,} counted calls to models"
        )


def apply_retention(house: House, *, dry_run: bool = False) -> Purged:
    """Throw away what is older than the settings say.

    Checkpoints carry the machine's time; the trace carries the house's.

    Parameters
    ----------
    dry_run
        Only count.
    """
    settings, now = house.settings, house.clock()
    before = now - timedelta(days=settings.retention_trace_days)
    with open_checkpoints(house.database, house.layout.checkpoints) as checkpoints:
        old = checkpoints.older_than(house.machine() - timedelta(days=settings.retention_checkpoint_days))
        if not dry_run:
            for thread in old:
                checkpoints.saver.delete_thread(thread)
    untouched = now - timedelta(days=settings.retention_chat_days)
    if dry_run:
        with house.database.read() as connection:
            return Purged(
                steps=count_words_before(connection, before),
                checkpoints=len(old),
                conversations=count_conversations_before(connection, untouched),
                model_calls=count_calls_before(connection, before),
            )
    steps = 0
    while done := _purge_some(house, before):
        steps += done
    with house.database.write(SERVICE_USER.user_id, now) as transaction:
        conversations = purge_conversations(transaction, untouched)
        calls = purge_calls(transaction, before)
    return Purged(steps=steps, checkpoints=len(old), conversations=conversations, model_calls=calls)


def _purge_some(house: House, before: datetime) -> int:
    """A short transaction, so that nobody waits long for it."""
    with house.database.write(SERVICE_USER.user_id, house.clock()) as transaction:
        return purge_words(transaction, before)
