"""What any ERP adapter must do: one suite, run over every adapter by subclassing `ErpConformance`.

A subclass provides two fixtures: ``erp``, the adapter, and ``world``, what stands behind it. The world is the oracle:
it counts documents and units without going through the port.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from threading import Barrier

import pytest

from inventory.records import ActionKind, ErpDocument, ErpLine
from tools.erp.faults import HOSTILE_TEXT, Fault, FaultKind
from tools.erp.port import ErpPort, Posting, differences
from tools.errors import ErpDuplicateError, ErpOutcomeUnknownError, ErpRejectedError, ErpUnreachableError

SHIP_ON = date(2024, 4, 9)
RACERS = 8


@dataclass(frozen=True)
class ErpWorld:
    """What stands behind the adapter under test."""

    item: str
    other_item: str
    origin: str
    destination: str
    supplier: str
    order_id: str
    """An open purchase order of at least 10 units of ``item`` for ``destination``."""
    on_hand: int
    """Units of each item at ``origin``; ``destination`` has none."""
    inject: Callable[[Fault], None]
    pass_time: Callable[[timedelta], None]
    documents: Callable[[str], int]
    """How many documents carry a key in the ERP's own books."""
    units: Callable[[str, str], int]
    """Units of an item at a site in the ERP's own books."""


def key_named(name: str) -> str:
    """A key of the shape the dispatcher makes: ``EK-`` and 26 base32 characters."""
    return "EK-" + base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:26]


def transfer(world: ErpWorld, key: str, *quantities: int) -> ErpDocument:
    """A transfer from origin to destination, a line per quantity, of the two items in turn."""
    items = (world.item, world.other_item)
    return ErpDocument(
        key=key,
        action=ActionKind.TRANSFER,
        origin=world.origin,
        destination=world.destination,
        mode="truck",
        ship_on=SHIP_ON,
        arrive_on=SHIP_ON + timedelta(days=2),
        lines=tuple(ErpLine(item=items[place % 2], quantity=quantity) for place, quantity in enumerate(quantities)),
        approval_id="APR-1",
    )


def purchase(world: ErpWorld, key: str, quantity: int) -> ErpDocument:
    """A purchase order of one item for the destination."""
    update = {"action": ActionKind.PURCHASE, "origin": "", "supplier": world.supplier}
    return transfer(world, key, quantity).model_copy(update=update)


def order_change(world: ErpWorld, key: str, quantity: int) -> ErpDocument:
    """A change of the world's open purchase order."""
    update = {"action": ActionKind.EXPEDITE, "origin": "", "supplier": world.supplier, "order_id": world.order_id}
    return transfer(world, key, quantity).model_copy(update=update)


def found(erp: ErpPort, key: str) -> Posting:
    """The one document under the key, which must be there."""
    posting = erp.find(key)
    assert posting is not None
    return posting


KEY = key_named("proposal 1, document 1")
OTHER_KEY = key_named("proposal 1, document 2")


class ErpConformance:
    """The suite; every test starts from a fresh world."""

    def test_a_posted_transfer_is_found_by_its_key_line_by_line(self, erp: ErpPort, world: ErpWorld) -> None:
        document = transfer(world, KEY, 5, 3)
        posting = erp.post(document)
        assert (posting.key, posting.action) == (KEY, ActionKind.TRANSFER)
        assert found(erp, KEY) == posting
        assert differences(document, posting) == ()
        assert world.documents(KEY) == 1

    def test_a_purchase_order_is_found_by_its_key_line_by_line(self, erp: ErpPort, world: ErpWorld) -> None:
        document = purchase(world, KEY, 7)
        erp.post(document)
        assert differences(document, found(erp, KEY)) == ()

    def test_an_order_change_is_found_by_its_key_line_by_line(self, erp: ErpPort, world: ErpWorld) -> None:
        document = order_change(world, KEY, 7)
        erp.post(document)
        assert differences(document, found(erp, KEY)) == ()

    def test_an_order_change_needs_an_order_with_the_units_open(self, erp: ErpPort, world: ErpWorld) -> None:
        with pytest.raises(ErpRejectedError, match="PO-NEVER"):
            erp.post(order_change(world, KEY, 1).model_copy(update={"order_id": "PO-NEVER"}))
        assert world.documents(KEY) == 0

    def test_a_key_nobody_posted_is_not_found(self, erp: ErpPort, world: ErpWorld) -> None:
        erp.post(transfer(world, KEY, 5))
        assert erp.find(OTHER_KEY) is None

    def test_two_keys_make_two_documents_of_equal_lines(self, erp: ErpPort, world: ErpWorld) -> None:
        first, second = erp.post(transfer(world, KEY, 5)), erp.post(transfer(world, OTHER_KEY, 5))
        assert first.reference != second.reference
        assert (world.documents(KEY), world.documents(OTHER_KEY)) == (1, 1)

    def test_a_transfer_takes_its_units_once_and_only_from_the_origin(self, erp: ErpPort, world: ErpWorld) -> None:
        erp.post(transfer(world, KEY, 5, 3))
        assert erp.on_hand(world.item, world.origin) == world.on_hand - 5
        assert erp.on_hand(world.other_item, world.origin) == world.on_hand - 3
        assert erp.on_hand(world.item, world.destination) == 0

    @pytest.mark.parametrize(
        ("field", "value", "named"),
        [
            ("destination", "SITE-NOBODY-KNOWS", "SITE-NOBODY-KNOWS"),
            ("origin", "SITE-NOBODY-KNOWS", "SITE-NOBODY-KNOWS"),
            ("lines", (ErpLine(item="ITEM-NOBODY-KNOWS", quantity=1),), "ITEM-NOBODY-KNOWS"),
            ("lines", (), "line"),
            ("action", ActionKind.HOLD, "hold"),
            ("action", ActionKind.PURCHASE, "supplier"),
            ("arrive_on", SHIP_ON - timedelta(days=1), "2024-04-08"),
        ],
    )
    def test_what_cannot_be_booked_is_rejected_by_name_and_leaves_nothing(
        self, erp: ErpPort, world: ErpWorld, field: str, value: object, named: str
    ) -> None:
        with pytest.raises(ErpRejectedError, match=named):
            erp.post(transfer(world, KEY, 5).model_copy(update={field: value}))
        assert world.documents(KEY) == 0
        assert world.units(world.item, world.origin) == world.on_hand

    def test_a_transfer_from_a_site_to_itself_is_rejected(self, erp: ErpPort, world: ErpWorld) -> None:
        with pytest.raises(ErpRejectedError, match=world.origin):
            erp.post(transfer(world, KEY, 5).model_copy(update={"destination": world.origin}))
        assert world.documents(KEY) == 0

    def test_a_transfer_of_more_than_is_on_hand_is_rejected_whole(self, erp: ErpPort, world: ErpWorld) -> None:
        with pytest.raises(ErpRejectedError, match=f"{world.other_item}.*{world.on_hand + 1}.*{world.on_hand}"):
            erp.post(transfer(world, KEY, 5, world.on_hand + 1))
        assert world.documents(KEY) == 0
        assert world.units(world.item, world.origin) == world.on_hand

    def test_every_kind_of_document_the_adapter_names_can_be_posted(self, erp: ErpPort, world: ErpWorld) -> None:
        made = {
            ActionKind.TRANSFER: transfer(world, KEY, 1),
            ActionKind.PURCHASE: purchase(world, KEY, 1),
            ActionKind.EXPEDITE: order_change(world, KEY, 1),
        }
        assert erp.capabilities.actions <= made.keys()
        for number, action in enumerate(sorted(erp.capabilities.actions)):
            document = made[action].model_copy(update={"key": key_named(f"document {number}")})
            assert erp.post(document).action is action

    def test_stock_of_an_unknown_item_or_site_is_an_error_and_not_zero(self, erp: ErpPort, world: ErpWorld) -> None:
        with pytest.raises(ErpRejectedError, match="ITEM-NOBODY-KNOWS"):
            erp.on_hand("ITEM-NOBODY-KNOWS", world.origin)
        with pytest.raises(ErpRejectedError, match="SITE-NOBODY-KNOWS"):
            erp.on_hand(world.item, "SITE-NOBODY-KNOWS")

    def test_open_documents_are_listed_by_kind_oldest_first(self, erp: ErpPort, world: ErpWorld) -> None:
        keys = [key_named(f"open {number}") for number in range(3)]
        for key in keys:
            erp.post(transfer(world, key, 1))
        bought = erp.post(purchase(world, KEY, 1))
        assert [posting.key for posting in erp.open_documents(ActionKind.TRANSFER)] == keys
        assert bought in erp.open_documents(ActionKind.PURCHASE)
        assert {*keys, KEY} <= {posting.key for posting in erp.open_documents()}

    def test_open_documents_of_others_are_listed_without_a_key(self, erp: ErpPort, world: ErpWorld) -> None:
        others = [posting for posting in erp.open_documents() if posting.reference == world.order_id]
        assert [posting.key for posting in others] == [""]

    # Keys: where the ERP keeps them unique, and where it does not.

    def test_the_same_document_again_is_one_document_only_with_a_native_key(
        self, erp: ErpPort, world: ErpWorld
    ) -> None:
        first, again = (erp.post(transfer(world, KEY, 5)) for _ in range(2))
        if erp.capabilities.native_key:
            assert again == first
            assert world.documents(KEY) == 1
            assert world.units(world.item, world.origin) == world.on_hand - 5
        else:
            assert world.documents(KEY) == 2
            with pytest.raises(ErpDuplicateError, match=f"{first.reference}.*{again.reference}"):
                erp.find(KEY)

    def test_a_native_key_refuses_another_body_and_names_both(self, erp: ErpPort, world: ErpWorld) -> None:
        first = erp.post(transfer(world, KEY, 5))
        other = transfer(world, KEY, 6)
        if erp.capabilities.native_key:
            with pytest.raises(ErpRejectedError, match=f"{KEY}.*{first.reference}"):
                erp.post(other)
            assert found(erp, KEY) == first
        else:
            erp.post(other)
            assert world.documents(KEY) == 2

    def test_racing_posts_of_one_key_make_one_document_only_with_a_native_key(
        self, erp: ErpPort, world: ErpWorld
    ) -> None:
        start = Barrier(RACERS)

        def race(_: int) -> Posting:
            start.wait()
            return erp.post(transfer(world, KEY, 2))

        with ThreadPoolExecutor(RACERS) as pool:
            references = {posting.reference for posting in pool.map(race, range(RACERS))}
        expected = 1 if erp.capabilities.native_key else RACERS
        assert len(references) == expected
        assert world.documents(KEY) == expected
        assert world.units(world.item, world.origin) == world.on_hand - 2 * expected

    def test_racing_transfers_never_send_more_than_is_on_hand(self, erp: ErpPort, world: ErpWorld) -> None:
        quantity = world.on_hand // 3
        start = Barrier(RACERS)

        def race(number: int) -> int:
            start.wait()
            try:
                erp.post(transfer(world, key_named(f"racer {number}"), quantity))
            except ErpRejectedError:
                return 0
            return quantity

        with ThreadPoolExecutor(RACERS) as pool:
            sent = sum(pool.map(race, range(RACERS)))
        assert sent == quantity * (world.on_hand // quantity)
        assert world.units(world.item, world.origin) == world.on_hand - sent

    # Ten ways to misbehave (`FaultKind`). After each, what the port says agrees with what the books hold.

    def test_fault_reject_is_a_definite_no(self, erp: ErpPort, world: ErpWorld) -> None:
        world.inject(Fault(kind=FaultKind.REJECT))
        with pytest.raises(ErpRejectedError, match=KEY):
            erp.post(transfer(world, KEY, 5))
        assert erp.find(KEY) is None
        assert world.documents(KEY) == 0

    def test_fault_unreachable_posts_nothing_and_may_be_asked_again(self, erp: ErpPort, world: ErpWorld) -> None:
        for _ in range(3):
            world.inject(Fault(kind=FaultKind.UNREACHABLE))
        for _ in range(3):
            with pytest.raises(ErpUnreachableError, match=KEY):
                erp.post(transfer(world, KEY, 5))
            assert world.documents(KEY) == 0
        assert erp.post(transfer(world, KEY, 5)) == found(erp, KEY)
        assert world.documents(KEY) == 1

    def test_fault_lost_request_is_unknown_and_never_found(self, erp: ErpPort, world: ErpWorld) -> None:
        world.inject(Fault(kind=FaultKind.LOSE_REQUEST))
        with pytest.raises(ErpOutcomeUnknownError, match=KEY):
            erp.post(transfer(world, KEY, 5))
        world.pass_time(erp.capabilities.answer_limit)
        assert erp.find(KEY) is None
        assert world.documents(KEY) == 0

    def test_fault_lost_answer_is_unknown_and_found_by_its_key(self, erp: ErpPort, world: ErpWorld) -> None:
        document = transfer(world, KEY, 5)
        world.inject(Fault(kind=FaultKind.LOSE_ANSWER))
        with pytest.raises(ErpOutcomeUnknownError, match=KEY):
            erp.post(document)
        world.pass_time(erp.capabilities.answer_limit)
        assert differences(document, found(erp, KEY)) == ()
        assert world.documents(KEY) == 1

    def test_after_a_lost_answer_a_native_key_makes_the_retry_safe(self, erp: ErpPort, world: ErpWorld) -> None:
        world.inject(Fault(kind=FaultKind.LOSE_ANSWER))
        with pytest.raises(ErpOutcomeUnknownError):
            erp.post(transfer(world, KEY, 5))
        erp.post(transfer(world, KEY, 5))
        assert world.documents(KEY) == (1 if erp.capabilities.native_key else 2)

    def test_fault_delay_answers_in_the_end(self, erp: ErpPort, world: ErpWorld) -> None:
        world.inject(Fault(kind=FaultKind.DELAY, seconds=0.05))
        assert erp.post(transfer(world, KEY, 5)) == found(erp, KEY)
        assert world.documents(KEY) == 1

    def test_fault_late_answer_hides_the_document_within_the_answer_limit(self, erp: ErpPort, world: ErpWorld) -> None:
        document = transfer(world, KEY, 5)
        limit = erp.capabilities.answer_limit
        world.inject(Fault(kind=FaultKind.ANSWER_LATE, seconds=limit.total_seconds() / 2))
        with pytest.raises(ErpOutcomeUnknownError, match=KEY):
            erp.post(document)
        assert erp.find(KEY) is None, "an early look must not be taken for an answer"
        assert KEY not in {posting.key for posting in erp.open_documents()}
        world.pass_time(limit)
        assert differences(document, found(erp, KEY)) == ()
        assert world.documents(KEY) == 1

    def test_fault_duplicate_delivery_is_one_document_or_is_noticed(self, erp: ErpPort, world: ErpWorld) -> None:
        world.inject(Fault(kind=FaultKind.DUPLICATE))
        posting = erp.post(transfer(world, KEY, 5))
        if erp.capabilities.native_key:
            assert found(erp, KEY) == posting
            assert world.documents(KEY) == 1
        else:
            assert world.documents(KEY) == 2
            with pytest.raises(ErpDuplicateError, match=KEY):
                erp.find(KEY)

    def test_fault_wrong_quantity_shows_when_lines_are_compared(self, erp: ErpPort, world: ErpWorld) -> None:
        document = transfer(world, KEY, 5, 1)
        world.inject(Fault(kind=FaultKind.WRONG_QUANTITY))
        posting = erp.post(document)
        expected = (
            f"item {world.item}: sent 5 units, the ERP holds 4",
            f"item {world.other_item}: sent 1 units, the ERP holds 2",
        )
        assert differences(document, posting) == expected
        assert differences(document, found(erp, KEY)) == expected

    @pytest.mark.parametrize("text", [HOSTILE_TEXT, "9" * 1_000_000, "", "PO-1\x00", "PO-\u202e1"])
    def test_fault_text_is_no_answer_and_is_not_repeated(self, erp: ErpPort, world: ErpWorld, text: str) -> None:
        document = transfer(world, KEY, 5)
        world.inject(Fault(kind=FaultKind.TEXT, text=text))
        with pytest.raises(ErpOutcomeUnknownError) as caught:
            erp.post(document)
        assert len(str(caught.value)) < 200
        assert not text or text not in str(caught.value)
        assert differences(document, found(erp, KEY)) == ()
        assert world.documents(KEY) == 1

    def test_fault_unreadable_read_back_is_not_taken_for_absence(self, erp: ErpPort, world: ErpWorld) -> None:
        posting = erp.post(transfer(world, KEY, 5))
        world.inject(Fault(kind=FaultKind.FIND_UNREACHABLE))
        with pytest.raises(ErpUnreachableError, match=KEY):
            erp.find(KEY)
        assert erp.find(KEY) == posting

    def test_a_fault_for_one_key_leaves_another_alone(self, erp: ErpPort, world: ErpWorld) -> None:
        world.inject(Fault(kind=FaultKind.REJECT, key=KEY))
        erp.post(transfer(world, OTHER_KEY, 5))
        with pytest.raises(ErpRejectedError, match=KEY):
            erp.post(transfer(world, KEY, 5))

    def test_looking_for_a_key_leaves_a_fault_of_posting_in_place(self, erp: ErpPort, world: ErpWorld) -> None:
        world.inject(Fault(kind=FaultKind.REJECT, key=KEY))
        assert erp.find(KEY) is None
        with pytest.raises(ErpRejectedError, match=KEY):
            erp.post(transfer(world, KEY, 5))
