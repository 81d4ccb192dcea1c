"""An ERP as the worker uses it: it can be told to stop, and remembers what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Event
from typing import TypeVar

from inventory.records import ActionKind, ErpDocument
from tools.erp.port import ErpCapabilities, ErpPort, Posting, TellsTime
from tools.errors import ErpOutcomeUnknownError, ErpUnreachableError

T = TypeVar("T")


class WatchedErp:
    """An `ErpPort` before another.

    Parameters
    ----------
    erp
        The ERP.
    stop
        Once it is set nothing more is posted: the document in hand was the last.
    """

    def __init__(self, erp: ErpPort, stop: Event) -> None:
        self._erp = erp
        self._stop = stop
        self.unreachable = ""
        """Why the ERP could not be reached in this round; empty while it could."""
        self.trouble = ""
        """What went wrong last in this round; empty while nothing did."""

    def begin(self) -> None:
        """Begin a round: forget what went wrong in the one before."""
        self.unreachable = self.trouble = ""

    @property
    def capabilities(self) -> ErpCapabilities:
        """What the ERP can do."""
        return self._erp.capabilities

    def post(self, document: ErpDocument) -> Posting:
        """Post one document, unless the worker was told to stop."""
        if self._stop.is_set():
            raise ErpUnreachableError(f"key {document.key}: the worker is stopping")
        return self._watched(lambda: self._erp.post(document))

    def find(self, key: str) -> Posting | None:
        """The document of a key."""
        return self._watched(lambda: self._erp.find(key))

    def on_hand(self, item: str, site: str) -> int:
        """Units at the site by the ERP's book."""
        return self._watched(lambda: self._erp.on_hand(item, site))

    def open_documents(self, action: ActionKind | None = None) -> tuple[Posting, ...]:
        """Documents not yet received in full."""
        return self._watched(lambda: self._erp.open_documents(action))

    def time(self) -> datetime:
        """The ERP's time; ``ErpUnreachableError`` where it tells none."""
        if not isinstance(self._erp, TellsTime):
            raise ErpUnreachableError("this ERP tells no time")
        told: datetime = self._erp.time()
        return told

    def _watched(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except ErpUnreachableError as error:
            self.unreachable = self.trouble = str(error)
            raise
        except ErpOutcomeUnknownError as error:
            self.trouble = str(error)
            raise
