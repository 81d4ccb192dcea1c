"""A simulated ERP: keeps stock and orders in a file of its own, and misbehaves when told to.

It stands in for a real ERP in the demo and in tests. A transfer takes its units from the origin when it is posted and
gives them to the destination when it is received; a purchase order gives on receipt; an order change moves the
promised day of an order it knows. Stock is kept by lot and a line takes from exactly its lot. What the other kinds of
document do is in :mod:`tools.erp.bookings`, what faults make of them in :mod:`tools.erp.misdeeds`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from inventory.crash_points import crash_point
from inventory.record import Id, Record, digest
from inventory.records import ActionKind, ErpDocument, ErpLine
from tools.erp.bookings import BOOKINGS, put_restricted
from tools.erp.books import Books, stamp, utc
from tools.erp.faults import FIND_FAULTS, POST_FAULTS, Fault, FaultKind, FaultScript
from tools.erp.feeds import purchase_order_feed, stock_feed, transfer_feed
from tools.erp.misdeeds import (
    ANSWER_LOST,
    NOT_POSTED,
    append_again,
    delete_document,
    edit_document,
    garbled,
    lines_posted,
    lines_taken,
    no_answer,
    told_instead,
)
from tools.erp.orders import (
    STAY_OPEN,
    close_if_complete,
    insert_order,
    known_under,
    order_fields,
    receive_line,
    require_known,
    require_postable,
)
from tools.erp.port import ErpCapabilities, OptionalId, Posting, read_answer
from tools.errors import ErpDuplicateError, ErpRejectedError, ErpUnreachableError

ANSWER_LIMIT = timedelta(seconds=60)


class StockRow(Record):
    """Units of one item and lot at one site."""

    item: Id
    site: Id
    lot: OptionalId = ""
    on_hand: int = Field(ge=0)


class KnownOrder(Record):
    """An open order that was in the ERP before; its units are on their way already."""

    reference: Id
    action: Literal[ActionKind.TRANSFER, ActionKind.PURCHASE]
    lines: Annotated[tuple[ErpLine, ...], Field(min_length=1)]
    destination: Id
    origin: OptionalId = ""
    supplier: OptionalId = ""
    mode: OptionalId = ""
    ordered_on: date
    arrive_on: date


class SimulatedErp:
    """An `ErpPort` on a SQLite file.

    Parameters
    ----------
    path
        The file; created when absent. Processes that open the same file see the same ERP.
    native_key
        Whether the ERP itself keeps our key unique.
    clock
        The ERP's time.
    sleep
        How a delayed answer waits, seconds.
    answer_limit
        A document not to be found this long after it was sent was not posted; see `ErpCapabilities`.
    actions
        Kinds of document it has; it rejects the others.
    """

    def __init__(
        self,
        path: Path,
        *,
        native_key: bool = True,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        answer_limit: timedelta = ANSWER_LIMIT,
        actions: Iterable[ActionKind] = tuple(BOOKINGS),
    ) -> None:
        self.books = Books(path)
        self.faults = FaultScript(self.books)
        self._clock = clock
        self._sleep = sleep
        self._capabilities = ErpCapabilities("simulated", native_key, frozenset(actions), answer_limit)

    @property
    def capabilities(self) -> ErpCapabilities:
        """What this ERP can do."""
        return self._capabilities

    def time(self) -> datetime:
        """The ERP's time."""
        return self._clock()

    def post(self, document: ErpDocument) -> Posting:
        """Post one document, after and before whatever the fault script has for it; errors as in `ErpPort.post`."""
        fault = self.faults.take(document.key, POST_FAULTS)
        if fault is None:
            return self._answer(document.key, self._book(document, None))
        if fault.kind in NOT_POSTED:
            if fault.kind is FaultKind.HANG:
                self._sleep(fault.seconds)
            raise told_instead(document.key, fault)
        reference = self._book(document, fault)
        self._afterwards(document, reference, fault.kind)
        if fault.kind in ANSWER_LOST:
            raise no_answer(document.key)
        if fault.kind is FaultKind.REJECTED_BUT_POSTED:
            raise ErpRejectedError(f"key {document.key}: the ERP refuses the document (scripted, and not true)")
        if fault.kind is FaultKind.DELAY:
            self._sleep(fault.seconds)
        return self._answer(document.key, reference, fault)

    def _afterwards(self, document: ErpDocument, reference: str, kind: FaultKind) -> None:
        """What happens to a document between its posting and its answer."""
        if kind is FaultKind.DUPLICATE:
            with suppress(ErpRejectedError):  # nobody waits for the answer to the second delivery
                self._book(document, None)
        deed = {
            FaultKind.SILENT_SECOND: append_again, FaultKind.DELETED: delete_document, FaultKind.EDITED: edit_document,
        }.get(kind)  # fmt: skip
        if deed is not None:
            with suppress(ErpRejectedError), self.books.write() as connection:
                deed(connection, reference)

    def find(self, key: str) -> Posting | None:
        """The one visible document under the key; errors as in `ErpPort.find`."""
        fault = self.faults.take(key, FIND_FAULTS)
        if fault and fault.kind is FaultKind.FIND_UNREACHABLE:
            raise ErpUnreachableError(f"key {key}: no connection to the ERP (scripted)")
        if fault and fault.kind is FaultKind.FIND_STALE:
            return None
        if fault and fault.kind is FaultKind.FIND_DUPLICATE:
            raise ErpDuplicateError(f"key {key} is carried by 2 documents (scripted)")
        now = stamp(self._clock())
        with self.books.read() as connection:
            query = "SELECT reference FROM orders WHERE key = ? AND visible_at <= ? ORDER BY number"
            rows = connection.execute(query, (key, now))
            references = [row["reference"] for row in rows]
        if len(references) > 1:
            raise ErpDuplicateError(f"key {key} is carried by {len(references)} documents: {', '.join(references)}")
        return self._answer(key, references[0], fault) if references else None

    def on_hand(self, item: str, site: str) -> int:
        """Units at the site, all lots together; errors as in `ErpPort.on_hand`."""
        with self.books.read() as connection:
            require_known(connection, item, site)
            query = "SELECT coalesce(sum(on_hand), 0) FROM stock WHERE item = ? AND site = ?"
            return int(connection.execute(query, (item, site)).fetchone()[0])

    def open_documents(self, action: ActionKind | None = None) -> tuple[Posting, ...]:
        """Visible documents not yet received in full, oldest first; an order change is open as long as its order."""
        kind = action.value if action else "%"
        return self._postings("received_on IS NULL AND visible_at <= ? AND action LIKE ?", (stamp(self._clock()), kind))

    def orders_with(self, key: str) -> tuple[Posting, ...]:
        """Every document that carries the key, visible to `find` or not: what a test counts."""
        return self._postings("key = ?", (key,))

    def load_stock(self, rows: Iterable[StockRow]) -> None:
        """Set stock to these rows; items and sites they name become known, other rows stay."""
        with self.books.write() as connection:
            connection.executemany(
                "INSERT INTO stock (item, site, lot, on_hand) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (item, site, lot) DO UPDATE SET on_hand = excluded.on_hand",
                [(row.item, row.site, row.lot, row.on_hand) for row in rows],
            )

    def load_orders(self, orders: Iterable[KnownOrder]) -> None:
        """Add orders that were open before; they can be received, and changed by an order change."""
        with self.books.write() as connection:
            for order in orders:
                if connection.execute("SELECT 1 FROM orders WHERE reference = ?", (order.reference,)).fetchone():
                    raise ErpRejectedError(f"order {order.reference} is known already")
                row = order.model_dump(mode="json", exclude={"lines", "ordered_on"})
                posted_at = stamp(datetime.combine(order.ordered_on, datetime.min.time(), UTC))
                row |= {"ship_on": order.ordered_on.isoformat(), "posted_at": posted_at, "visible_at": posted_at}
                insert_order(connection, row, list(order.lines))

    def load_restricted(self, rows: Iterable[StockRow], status: str) -> None:
        """Add units that may not be used yet, in quality inspection or blocked."""
        with self.books.write() as connection:
            for row in rows:
                line = ErpLine(item=row.item, lot=row.lot, quantity=row.on_hand)
                put_restricted(connection, row.site, line, status)

    def restricted(self, item: str, site: str, status: str) -> int:
        """Units of a status that may not be used."""
        query = "SELECT coalesce(sum(on_hand), 0) FROM restricted WHERE item = ? AND site = ? AND status = ?"
        with self.books.read() as connection:
            return int(connection.execute(query, (item, site, status)).fetchone()[0])

    def delete(self, reference: str) -> None:
        """A planner of the ERP deletes a document that nobody has received anything of."""
        with self.books.write() as connection:
            delete_document(connection, reference)

    def refuse(self, reference: str, when: datetime, quantity: int | None = None, *, item: str = "") -> None:
        """The destination refuses goods that arrive: they are the origin's again; arguments as in `receive`."""
        self._arrive(reference, when, quantity, item, refused=True)

    def receive(self, reference: str, when: datetime, quantity: int | None = None, *, item: str = "") -> None:
        """Let goods of a transfer or purchase order arrive at the destination.

        Parameters
        ----------
        reference
            The ERP's number of the document.
        when
            Moment of the receipt.
        quantity
            Units that arrive of the document's only open line, or of ``item``'s; ``None``: all that is open.
        item
            Only lines of this item; empty for all.

        Raises
        ------
        ErpRejectedError
            No such open line, more than is open, or a quantity without saying which of several lines.
        """
        self._arrive(reference, when, quantity, item, refused=False)

    def _arrive(self, reference: str, when: datetime, quantity: int | None, item: str, *, refused: bool) -> None:
        day = utc(when).date().isoformat()
        with self.books.write() as connection:
            lines = connection.execute(
                "SELECT * FROM orders JOIN order_lines USING (number) "
                "WHERE reference = ? AND action IN ('transfer', 'purchase') AND received + refused < quantity "
                "AND ? IN ('', item) ORDER BY line",
                (reference, item),
            ).fetchall()
            if not lines:
                raise ErpRejectedError(f"document {reference} has no open line{f' of item {item}' if item else ''}")
            if quantity is not None and len(lines) > 1:
                raise ErpRejectedError(f"document {reference} has {len(lines)} open lines: name the item received")
            for line in lines:
                receive_line(connection, line, quantity, day, refused=refused)
            close_if_complete(connection, lines[0]["number"], reference, day)

    def export_stock(self) -> list[dict[str, object]]:
        """The ``stock`` feed: a row per lot, as of now; see `tools.erp.feeds`."""
        return stock_feed(self.books, self._clock())

    def export_transfers(self) -> list[dict[str, object]]:
        """The ``transfers`` feed, open and received, with our keys."""
        return transfer_feed(self.books, self._clock())

    def export_purchase_orders(self) -> list[dict[str, object]]:
        """The ``purchase_orders`` feed, open and received, with our keys."""
        return purchase_order_feed(self.books, self._clock())

    def _book(self, document: ErpDocument, fault: Fault | None) -> str:
        """Post in one transaction; the document's number, or that of the one the ERP already has under the key."""
        now = self._clock()
        visible_at = now
        if document.action not in self._capabilities.actions:
            raise ErpRejectedError(f"key {document.key}: this ERP has no document for action {document.action.value}")
        if fault and fault.kind is FaultKind.ANSWER_LATE:
            visible_at = now + timedelta(seconds=fault.seconds)
        with self.books.write() as connection:
            if self._capabilities.native_key and (known := known_under(connection, document)):
                return known
            require_postable(connection, document)
            kind, asked = fault.kind if fault else None, list(document.lines)
            lines = lines_posted(asked, kind, self._another_item(connection, asked[0].item))
            BOOKINGS[document.action](connection, document, lines_taken(asked, lines, kind))
            row = document.model_dump(mode="json", exclude={"lines", "approval_id"})
            row |= {"posted_at": stamp(now), "visible_at": stamp(visible_at)}
            row |= {"native_key": self._capabilities.native_key, "body": digest(document)}
            reference = insert_order(connection, row, lines)
            if document.action not in STAY_OPEN:
                query = "UPDATE orders SET received_on = ? WHERE reference = ?"
                connection.execute(query, (utc(now).date().isoformat(), reference))
            crash_point("erp.before_post")
        crash_point("erp.after_post")
        return reference

    def _another_item(self, connection: Any, item: str) -> str:
        """Some other item the ERP knows, else one it does not."""
        row = connection.execute("SELECT min(item) AS item FROM stock WHERE item <> ?", (item,)).fetchone()
        return row["item"] or f"{item}-ELSE"

    def _answer(self, key: str, reference: str, fault: Fault | None = None) -> Posting:
        """The posting as it goes over the wire and is read at our end."""
        with self.books.read() as connection:
            row = connection.execute("SELECT * FROM orders WHERE reference = ?", (reference,)).fetchone()
            answer = order_fields(connection, row)
        return read_answer(key, answer | garbled(key, fault))

    def _postings(self, condition: str, values: tuple[str, ...]) -> tuple[Posting, ...]:
        with self.books.read() as connection:
            rows = connection.execute(f"SELECT * FROM orders WHERE {condition} ORDER BY number", values).fetchall()
            return tuple(read_answer(row["key"], order_fields(connection, row)) for row in rows)
