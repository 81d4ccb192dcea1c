"""A house without an ERP: every approved document is a person's task, and nothing can be asked.

It is an `ErpPort` that can post no kind of document, so what is approved goes the way of everything an ERP has no form
for: a task for the role that carries it out, closed by that person's word.
"""

from __future__ import annotations

from datetime import timedelta

from inventory.records import ActionKind, ErpDocument
from tools.erp.port import ErpCapabilities, Posting
from tools.errors import ErpRejectedError

NAME = "by-hand"
"""Name under which the one executor of such a house is known."""


class ByHand:
    """The way out of a house where people carry everything out."""

    @property
    def capabilities(self) -> ErpCapabilities:
        """It posts nothing; without keys, policy alone approves nothing either."""
        return ErpCapabilities(name=NAME, native_key=False, actions=frozenset(), answer_limit=timedelta(0))

    def post(self, document: ErpDocument) -> Posting:
        """A definite no: documents are tasks here, and none is posted."""
        raise ErpRejectedError(f"key {document.key}: there is no ERP, a person carries it out")

    def find(self, key: str) -> Posting | None:
        """Nothing: only the person who did it knows."""
        return None

    def on_hand(self, item: str, site: str) -> int:
        """Not known here; the feeds say."""
        raise ErpRejectedError(f"item {item} at {site}: there is no ERP to ask")

    def open_documents(self, action: ActionKind | None = None) -> tuple[Posting, ...]:
        """None; open tasks are in the house itself."""
        return ()
