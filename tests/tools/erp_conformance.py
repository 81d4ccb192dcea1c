"""What any ERP adapter must do: one suite, run over every adapter by subclassing `ErpConformance`.

A subclass provides two fixtures: ``erp``, the adapter, and ``world``, what stands behind it. The world is the oracle:
it counts documents and units without going through the port.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier

import pytest

from inventory.records import ActionKind, ErpLine
from tests.tools.erp_documents import (
    KEY,
    OTHER_KEY,
    SHIP_ON,
    TAKING_STOCK,
    ErpWorld,
    found,
    key_named,
    of_kind,
    order_change,
    purchase,
    stock_of,
    transfer,
)
from tools.action_kinds import KINDS
from tools.erp.faults import HOSTILE_TEXT, Fault, FaultKind
from tools.erp.port import ErpPort, Posting, differences
from tools.errors import ErpDuplicateError, ErpOutcomeUnknownError, ErpRejectedError, ErpUnreachableError

RACERS = 8


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

    @pytest.mark.parametrize("kind", sorted(KINDS))
    def test_every_kind_is_posted_once_and_found_line_by_line_or_rejected_by_name(
        self, erp: ErpPort, world: ErpWorld, kind: ActionKind
    ) -> None:
        document = of_kind(world, KEY, kind, 3)
        if kind not in erp.capabilities.actions:
            with pytest.raises(ErpRejectedError, match=kind.value):
                erp.post(document)
            assert world.documents(KEY) == 0
            return
        posting = erp.post(document)
        assert (posting.key, posting.action) == (KEY, kind)
        assert found(erp, KEY) == posting
        assert differences(document, posting) == ()
        assert world.documents(KEY) == 1
        if erp.capabilities.native_key:
            assert erp.post(document) == posting
            assert world.documents(KEY) == 1

    @pytest.mark.parametrize("kind", sorted(KINDS))
    def test_a_lost_answer_of_any_kind_is_found_by_its_key(
        self, erp: ErpPort, world: ErpWorld, kind: ActionKind
    ) -> None:
        if kind not in erp.capabilities.actions:
            return
        document = of_kind(world, KEY, kind, 3)
        world.inject(Fault(kind=FaultKind.LOSE_ANSWER))
        with pytest.raises(ErpOutcomeUnknownError, match=KEY):
            erp.post(document)
        world.pass_time(erp.capabilities.answer_limit)
        assert differences(document, found(erp, KEY)) == ()
        assert world.documents(KEY) == 1

    @pytest.mark.parametrize("kind", sorted(TAKING_STOCK))
    def test_what_takes_units_takes_them_once_and_never_more_than_there_are(
        self, erp: ErpPort, world: ErpWorld, kind: ActionKind
    ) -> None:
        if kind not in erp.capabilities.actions:
            return
        taken_from = stock_of(world, kind)
        before = world.units(*taken_from)
        erp.post(of_kind(world, KEY, kind, 3))
        assert world.units(*taken_from) == before - 3
        with pytest.raises(ErpRejectedError):
            erp.post(of_kind(world, OTHER_KEY, kind, before))
        assert (world.documents(OTHER_KEY), world.units(*taken_from)) == (0, before - 3)

    def test_what_is_changed_is_compared_too(self, erp: ErpPort, world: ErpWorld) -> None:
        if ActionKind.MARKDOWN in erp.capabilities.actions:
            document = of_kind(world, KEY, ActionKind.MARKDOWN, 3)
            other = document.model_copy(update={"mode": "30"})
            assert differences(other, erp.post(document)) == ("mode: sent 30, the ERP holds 20",)

    def test_the_day_of_an_order_change_is_compared_too(self, erp: ErpPort, world: ErpWorld) -> None:
        document = of_kind(world, KEY, ActionKind.PULL_IN, 3)
        later = document.model_copy(update={"arrive_on": document.arrive_on + timedelta(days=1)})
        posting = erp.post(document)
        if posting.arrive_on is not None:
            assert differences(later, posting) == ("day: sent 2024-04-12, the ERP holds 2024-04-11",)

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

    # Ways to misbehave (`FaultKind`). After each, what the port says agrees with what the books hold.

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

    # What a fault leaves behind: documents in the books, what the caller is told, what a look-up shows.

    @pytest.mark.parametrize(
        ("kind", "told", "documents"),
        [
            (FaultKind.STORM, ErpUnreachableError, 0),
            (FaultKind.CLOSED_PERIOD, ErpRejectedError, 0),
            (FaultKind.HANG, ErpOutcomeUnknownError, 0),
            (FaultKind.DELETED, ErpOutcomeUnknownError, 0),
            (FaultKind.EDITED, ErpOutcomeUnknownError, 1),
            (FaultKind.MALFORMED, ErpOutcomeUnknownError, 1),
            (FaultKind.HUGE, ErpOutcomeUnknownError, 1),
            (FaultKind.OTHER_KEY, ErpOutcomeUnknownError, 1),
            (FaultKind.REJECTED_BUT_POSTED, ErpRejectedError, 1),
        ],
    )
    def test_fault_is_told_as_it_must_be_and_the_books_show_what_is_true(
        self, erp: ErpPort, world: ErpWorld, kind: FaultKind, told: type[Exception], documents: int
    ) -> None:
        world.inject(Fault(kind=kind))
        with pytest.raises(told) as caught:
            erp.post(transfer(world, KEY, 5))
        assert len(str(caught.value)) < 200, "what the ERP wrote is not repeated"
        world.pass_time(erp.capabilities.answer_limit)
        assert world.documents(KEY) == documents
        assert (erp.find(KEY) is not None) is bool(documents)

    @pytest.mark.parametrize(
        ("kind", "sentence"),
        [
            (FaultKind.PARTIAL, "sent 3 units, the ERP holds 0"),
            (FaultKind.WRONG_ITEM, "sent 5 units, the ERP holds 0"),
            (FaultKind.WRONG_LOT, "lot LOT-ELSE: sent 0 units, the ERP holds 5"),
            (FaultKind.UNIT_MISMATCH, "sent 5 units, the ERP holds 10"),
            (FaultKind.SILENT_SECOND, "sent 5 units, the ERP holds 10"),
            (FaultKind.EDITED, "sent 5 units, the ERP holds 4"),
        ],
    )
    def test_fault_that_changes_a_document_shows_when_it_is_read_back(
        self, erp: ErpPort, world: ErpWorld, kind: FaultKind, sentence: str
    ) -> None:
        document = transfer(world, KEY, 5, 3)
        world.inject(Fault(kind=kind))
        with suppress(ErpOutcomeUnknownError):
            erp.post(document)
        wrong = differences(document, found(erp, KEY))
        assert any(sentence in difference for difference in wrong), wrong
        assert world.documents(KEY) == 1

    def test_fault_storm_lasts_as_long_as_it_is_told_to(self, erp: ErpPort, world: ErpWorld) -> None:
        world.inject(Fault(kind=FaultKind.STORM, times=3))
        for _ in range(3):
            with pytest.raises(ErpUnreachableError):
                erp.post(transfer(world, KEY, 5))
        assert erp.post(transfer(world, KEY, 5)) == found(erp, KEY)

    def test_fault_stale_look_up_says_nothing_is_there(self, erp: ErpPort, world: ErpWorld) -> None:
        posting = erp.post(transfer(world, KEY, 5))
        world.inject(Fault(kind=FaultKind.FIND_STALE))
        assert erp.find(KEY) is None
        assert erp.find(KEY) == posting

    @pytest.mark.parametrize(
        ("kind", "told"), [(FaultKind.FIND_DUPLICATE, ErpDuplicateError), (FaultKind.FIND_TEXT, ErpOutcomeUnknownError)]
    )
    def test_fault_of_a_look_up_is_an_error_and_not_an_absence(
        self, erp: ErpPort, world: ErpWorld, kind: FaultKind, told: type[Exception]
    ) -> None:
        posting = erp.post(transfer(world, KEY, 5))
        world.inject(Fault(kind=kind))
        with pytest.raises(told, match=KEY):
            erp.find(KEY)
        assert erp.find(KEY) == posting
