"""Ways to tamper with the log of a real run; each says what the verifier must name first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection, delete, func, insert, select, text, update

from inventory.audit import GENESIS, entries, entry_hash, insert_entries, next_entry
from inventory.chain import AuditEntry
from inventory.heads import HeadSigner, SignedHead, create_key
from inventory.tables import (
    approvals,
    audit,
    audit_heads,
    capacity,
    capacity_holds,
    cases,
    executors,
    outbox,
    policies,
    proposals,
    receipts,
    reservations,
    rulings,
    stock_lines,
    switches,
    tokens,
    users,
)
from tests.audited import Tampered, another_hand
from tests.worlds import World

Tamper = Callable[[Tampered], int | str]
"""Tampers, and says what must be named first: an entry, or a table and the beginning of its key."""


def log_of(world: World) -> list[AuditEntry]:
    """Every entry."""
    with world.database.read() as connection:
        return list(entries(connection))


def sequence_of(world: World, event: str) -> int:
    """The first entry of an event."""
    return next(entry.sequence for entry in log_of(world) if entry.event == event)


def rechained(connection: Connection, first: int) -> None:
    """Number and hash every entry from ``first`` on anew, as somebody who knows the code would."""
    rows = list(entries(connection))
    connection.execute(delete(audit).where(audit.c.sequence >= first))
    kept = [entry for entry in rows if entry.sequence < first]
    previous = kept[-1].hash if kept else GENESIS
    for number, entry in enumerate([each for each in rows if each.sequence >= first], start=first):
        hashed = entry_hash(number, previous, entry.hashed_fields)
        told = replace(entry, sequence=number, previous=previous, hash=hashed)
        insert_entries(connection, [told])
        previous = hashed


def resigned(connection: Connection, attempt: Tampered, signer: HeadSigner) -> None:
    """Write the anchor and the database's own heads anew over the log as it stands, every head by that key."""
    hashes = {entry.sequence: entry.hash for entry in entries(connection)}
    lines, previous, made = [], GENESIS, []
    for head in attempt.heads:
        if head.sequence in hashes:
            made.append(signer.sign(head.sequence, hashes[head.sequence], previous))
            previous = made[-1].link
            lines.append(made[-1].line)
    attempt.rewrite_anchor([*lines, *(f"{sequence} {value}" for sequence, value in hashes.items())])
    kept = set(connection.execute(select(audit_heads.c.sequence)).scalars())
    connection.execute(delete(audit_heads))
    connection.execute(insert(audit_heads), [vars(head) for head in made if head.sequence in kept])


def drop(place: Callable[[int], int]) -> Tamper:
    def tamper(attempt: Tampered) -> int:
        sequence = place(len(log_of(attempt.world)))
        attempt.changes.append(delete(audit).where(audit.c.sequence == sequence))
        return sequence

    return tamper


def swap(attempt: Tampered) -> int:
    for old, new in ((7, 1_000), (11, 7), (1_000, 11)):
        attempt.changes.append(update(audit).where(audit.c.sequence == old).values(sequence=new))
    return 7


def duplicate(attempt: Tampered) -> int:
    """The same event told twice, with its own number and the rest moved on by one, hashes and all."""

    def change(connection: Connection) -> None:
        rows = list(entries(connection))
        connection.execute(delete(audit).where(audit.c.sequence > 9))
        for entry in [rows[8], *rows[9:]]:
            place = connection.execute(select(func.max(audit.c.sequence))).scalar_one() + 1
            insert_entries(connection, [replace(entry, sequence=place, hash=f"{place:064d}")])
        rechained(connection, 9)

    attempt.changes.append(change)
    return 10


def insert_one(attempt: Tampered) -> int:
    """An event that never was, in the middle, and everything after it hashed anew."""

    def change(connection: Connection) -> None:
        rows = list(entries(connection))
        connection.execute(delete(audit).where(audit.c.sequence > 12))
        before = rows[11]
        false = next_entry(
            (before.sequence, before.hash), at=attempt.world.clock(), actor="pia", os_user="evenkeel",
            event="approval.given", subject="proposal", subject_id="prop-x", body={},
        )  # fmt: skip
        insert_entries(connection, [false])
        previous = false.hash
        for place, entry in enumerate(rows[12:], start=14):
            hashed = entry_hash(place, previous, entry.hashed_fields)
            insert_entries(connection, [replace(entry, sequence=place, previous=previous, hash=hashed)])
            previous = hashed

    attempt.changes.append(change)
    return 13


def append_false(attempt: Tampered) -> str:
    """A well-made entry at the end that is neither anchored nor signed: what it tells is in no table."""

    def change(connection: Connection) -> None:
        last = list(entries(connection))[-1]
        body = {"user_id": "mallory", "name": "M", "version": 1}
        insert_entries(
            connection,
            [next_entry((last.sequence, last.hash), at=attempt.world.clock(), actor="root", os_user="evenkeel",
                        event="user.saved", subject="user", subject_id="mallory", body=body)],
        )  # fmt: skip

    attempt.changes.append(change)
    return "users mallory"


def edit_and_rehash_all(attempt: Tampered) -> int:
    attempt.changes += [
        update(audit).where(audit.c.sequence == 5).values(actor="nobody"), lambda connection: rechained(connection, 5)
    ]  # fmt: skip
    return 5


def truncate_and_rebuild(attempt: Tampered) -> int:
    """Cut the log off before the approval and tell another story as long as the true one."""
    first = sequence_of(attempt.world, "approval.given")

    def change(connection: Connection) -> None:
        rows = list(entries(connection))
        connection.execute(delete(audit).where(audit.c.sequence >= first))
        after = (first - 1, rows[first - 2].hash)
        for _ in rows[first - 1 :]:
            told = next_entry(after, at=attempt.world.clock(), actor="evenkeel", os_user="evenkeel",
                              event="case.missed", subject="case", subject_id="case-x", body={})  # fmt: skip
            insert_entries(connection, [told])
            after = (told.sequence, told.hash)

    attempt.changes.append(change)
    return first


def cut_the_tail(attempt: Tampered) -> int:
    attempt.changes.append(delete(audit).where(audit.c.sequence > 20))
    return 21


def no_text(attempt: Tampered) -> int:
    """Bytes that are no text, where the database takes them; PostgreSQL does not."""

    def change(connection: Connection) -> None:
        sqlite = connection.dialect.name == "sqlite"
        written = "CAST(x'00ff' AS TEXT)" if sqlite else "'\ufffd'"
        connection.execute(text(f"UPDATE audit SET body = {written} WHERE sequence = 6"))

    attempt.changes.append(change)
    return 6


def edit_anchored_link(attempt: Tampered) -> int:
    attempt.rewrite_anchor([f"8 {'ab' * 32}" if line.startswith("8 ") else line for line in attempt.lines])
    return 8


def contradict_anchored_link(attempt: Tampered) -> int:
    attempt.rewrite_anchor([*attempt.lines, f"8 {'ab' * 32}"])
    return 8


def drop_a_head(attempt: Tampered) -> int:
    before, gone = attempt.heads[2:4]
    attempt.rewrite_anchor([line for line in attempt.lines if line != gone.line])
    return before.sequence + 1


def drop_the_first_head(attempt: Tampered) -> int:
    attempt.rewrite_anchor([line for line in attempt.lines if line != attempt.heads[0].line])
    return 1


def drop_the_last_head(attempt: Tampered) -> int:
    attempt.rewrite_anchor([line for line in attempt.lines if line != attempt.heads[-1].line])
    return attempt.heads[-2].sequence + 1


def drop_every_head(attempt: Tampered) -> int:
    attempt.rewrite_anchor([line for line in attempt.lines if not line.startswith("head")])
    return 1


def replace_head(attempt: Tampered, old: SignedHead, new: SignedHead) -> None:
    attempt.rewrite_anchor([new.line if line == old.line else line for line in attempt.lines])


def forge_a_head(attempt: Tampered) -> int:
    true = attempt.heads[3]
    with another_hand(attempt.aside, attempt.world) as intruder:
        replace_head(attempt, true, intruder.sign(true.sequence, true.hash, true.previous))
    return true.sequence


def edit_a_heads_time(attempt: Tampered) -> int:
    true = attempt.heads[3]
    replace_head(
        attempt, true, SignedHead(true.sequence, true.hash, "2020-01-01T00:00:00+00:00", true.previous, true.signature)
    )
    return true.sequence


def replay_an_old_head(attempt: Tampered) -> int:
    attempt.rewrite_anchor([*attempt.lines, attempt.heads[2].line])
    return attempt.heads[2].sequence


def put_an_old_anchor_back(attempt: Tampered) -> int:
    """The anchor as it was before the approval, under today's database, the third place gone."""
    newest = attempt.heads[4]
    kept = [line for line in attempt.lines if line and not _later(line, newest.sequence)]
    attempt.rewrite_anchor(kept)
    attempt.deliveries = None
    return newest.sequence + 1


def _later(line: str, sequence: int) -> bool:
    return int(line.removeprefix("head ").split()[0]) > sequence


def restore_an_old_database(attempt: Tampered) -> int:
    """Every table as it was at the fifth head, under today's heads."""
    newest = attempt.heads[4].sequence
    attempt.changes += [
        delete(audit).where(audit.c.sequence > newest), delete(audit_heads).where(audit_heads.c.sequence > newest)
    ]  # fmt: skip
    return newest + 1


def rewrite_everything_with_another_key(attempt: Tampered) -> int:
    """Log, anchor, key and the database's heads are all replaced; the third place is out of reach."""
    key = attempt.aside / "new.key"
    create_key(key)
    attempt.signer = HeadSigner(key, attempt.world.clock)
    approved = sequence_of(attempt.world, "approval.given")

    def change(connection: Connection) -> None:
        assert attempt.signer is not None
        body = f'{{"public":"{attempt.signer.public}"}}'
        connection.execute(update(audit).where(audit.c.sequence == 1).values(body=body))
        connection.execute(update(audit).where(audit.c.sequence == approved).values(actor="otto"))
        rechained(connection, 1)
        resigned(connection, attempt, attempt.signer)

    attempt.changes.append(change)
    return 1


def cut_everything_in_reach(attempt: Tampered) -> int:
    """Database and anchor go back together; only the third place remembers."""
    newest = attempt.heads[4].sequence
    attempt.rewrite_anchor([line for line in attempt.lines if line and not _later(line, newest)])
    attempt.changes += [
        delete(audit).where(audit.c.sequence > newest), delete(audit_heads).where(audit_heads.c.sequence > newest)
    ]  # fmt: skip
    return newest + 1


def change_the_public_key(attempt: Tampered) -> int:
    """The key files are replaced; the log still tells of the true key."""
    key = attempt.aside / "other.key"
    create_key(key)
    attempt.signer = HeadSigner(key, attempt.world.clock)
    return 1


def an_approval_by_another(attempt: Tampered) -> str:
    attempt.changes.append(update(approvals).values(body=func.replace(approvals.c.body, '"pia"', '"ada"')))
    return "approvals appr-"


def an_approval_of_another_digest(attempt: Tampered) -> str:
    attempt.changes.append(update(approvals).values(proposal_digest="f" * 64))
    return "approvals appr-"


def an_approval_nobody_gave(attempt: Tampered) -> str:
    def change(connection: Connection) -> None:
        row = dict(connection.execute(select(approvals)).one()._mapping)
        row |= {"approval_id": "appr-000000000000", "by": "ada"}
        connection.execute(insert(approvals).values(**row))

    attempt.changes.append(change)
    return "approvals appr-000000000000"


def a_document_with_more_units(attempt: Tampered) -> str:
    attempt.changes.append(update(outbox).values(body=func.replace(outbox.c.body, '"quantity":', '"quantity":9')))
    return "outbox EK-"


def a_document_ready_to_be_sent_again(attempt: Tampered) -> str:
    attempt.changes.append(update(outbox).values(state="ready"))
    return "outbox EK-"


def a_proposal_approved_by_hand(attempt: Tampered) -> str:
    attempt.changes.append(update(proposals).values(state="approved"))
    return "proposals prop-"


def a_proposal_with_other_lines(attempt: Tampered) -> str:
    attempt.changes.append(
        update(proposals).values(content=func.replace(proposals.c.content, '"quantity":', '"quantity":9'))
    )
    return "proposals prop-"


def a_lower_tier(attempt: Tampered) -> str:
    attempt.changes.append(update(proposals).values(tier="auto"))
    return "proposals prop-"


def another_explanation(attempt: Tampered) -> str:
    attempt.changes.append(update(proposals).values(explanation=func.replace(proposals.c.explanation, "DC", "XX")))
    return "proposals prop-"


def a_milder_ruling(attempt: Tampered) -> str:
    attempt.changes.append(update(rulings).values(tier="auto"))
    return "rulings prop-"


def a_receipt_for_another_order(attempt: Tampered) -> str:
    attempt.changes.append(update(receipts).values(erp_reference="SIM-TO-999999"))
    return "receipts EK-"


def a_receipt_taken_away(attempt: Tampered) -> str:
    attempt.changes.append(delete(receipts))
    return "receipts EK-"


def a_right_nobody_granted(attempt: Tampered) -> str:
    attempt.changes.append(
        update(users)
        .where(users.c.user_id == "otto")
        .values(body=func.replace(users.c.body, '"planner"', '"approver"'))
    )
    return "users otto"


def a_user_nobody_added(attempt: Tampered) -> str:
    attempt.changes.append(insert(users).values(user_id="mallory", version=1, body="{}"))
    return "users mallory"


def a_token_nobody_issued(attempt: Tampered) -> str:
    attempt.changes.append(insert(tokens).values(token_hash="0" * 64, user_id="ada", created_at=attempt.world.clock()))
    return "tokens 000000000000"


def another_policy_text(attempt: Tampered) -> str:
    attempt.changes.append(
        update(policies)
        .where(policies.c.kind == "approval")
        .values(body=func.replace(policies.c.body, "currency", "Currency"))
    )
    return "policies approval@v1"


def a_switch_nobody_turned(attempt: Tampered) -> str:
    attempt.changes.append(insert(switches).values(name="kill_switch", on=1, by="x", at=attempt.world.clock()))
    return "switches kill_switch"


def a_case_closed_by_hand(attempt: Tampered) -> str:
    attempt.changes.append(update(cases).values(reason="nothing to see"))
    return "cases case-"


def units_given_back_by_hand(attempt: Tampered) -> str:
    attempt.changes.append(update(reservations).values(state="released"))
    return "reservations res-"


def units_promised_to_another(attempt: Tampered) -> str:
    attempt.changes.append(update(reservations).values(destination="SOUTH"))
    return "reservations res-"


def a_promise_nobody_made(attempt: Tampered) -> str:
    def change(connection: Connection) -> None:
        row = dict(connection.execute(select(reservations)).first()._mapping)  # type: ignore[union-attr]
        connection.execute(insert(reservations).values(**row | {"reservation_id": "res-000000000000"}))

    attempt.changes.append(change)
    return "reservations res-000000000000"


def stock_kept_back_by_hand(attempt: Tampered) -> str:
    attempt.changes.append(update(stock_lines).where(stock_lines.c.site == "NORTH").values(in_flight=2))
    return "stock_lines BOLT at NORTH"


def stock_frozen_by_hand(attempt: Tampered) -> str:
    attempt.changes.append(update(stock_lines).where(stock_lines.c.site == "DC").values(frozen=2))
    return "stock_lines BOLT at DC"


def a_budget_made_larger(attempt: Tampered) -> str:
    attempt.changes.append(update(capacity).where(capacity.c.kind == "lane_value").values(limit_amount=10**12))
    return "capacity lane_value DC>NORTH"


def a_budget_used_less(attempt: Tampered) -> str:
    attempt.changes.append(update(capacity).where(capacity.c.kind == "lane_moves").values(used=0))
    return "capacity lane_moves DC>NORTH"


def a_smaller_claim(attempt: Tampered) -> str:
    attempt.changes.append(update(capacity_holds).where(capacity_holds.c.kind == "lane_value").values(amount=1))
    return "capacity_holds cap-"


def a_claim_taken_away(attempt: Tampered) -> str:
    attempt.changes.append(delete(capacity_holds).where(capacity_holds.c.kind == "lane_moves"))
    return "capacity_holds cap-"


def an_executor_nobody_knows(attempt: Tampered) -> str:
    attempt.changes.append(update(executors).values(holder="intruder:1:1"))
    return "executors simulated"


def a_number_of_an_executor_put_back(attempt: Tampered) -> str:
    """So that one which slept through its lease may write again; its number is in what it wrote."""
    attempt.changes.append(update(executors).values(fencing=1))
    return "executors simulated"


KINDS: tuple[Tamper, ...] = (
    drop(lambda length: 1), drop(lambda length: length // 2), drop(lambda length: length), swap, duplicate, insert_one,
    append_false, edit_and_rehash_all, truncate_and_rebuild, cut_the_tail, no_text, edit_anchored_link,
    contradict_anchored_link, drop_a_head, drop_the_first_head, drop_the_last_head, drop_every_head, forge_a_head,
    edit_a_heads_time, replay_an_old_head, put_an_old_anchor_back, restore_an_old_database,
    rewrite_everything_with_another_key, cut_everything_in_reach, change_the_public_key, an_approval_by_another,
    an_approval_of_another_digest, an_approval_nobody_gave, a_document_with_more_units,
    a_document_ready_to_be_sent_again, a_proposal_approved_by_hand, a_proposal_with_other_lines, a_lower_tier,
    another_explanation, a_milder_ruling, a_receipt_for_another_order, a_receipt_taken_away, a_right_nobody_granted,
    a_user_nobody_added, a_token_nobody_issued, another_policy_text, a_switch_nobody_turned, a_case_closed_by_hand,
    units_given_back_by_hand, units_promised_to_another, a_promise_nobody_made, stock_kept_back_by_hand,
    stock_frozen_by_hand, a_budget_made_larger, a_budget_used_less, a_smaller_claim, a_claim_taken_away,
    an_executor_nobody_knows, a_number_of_an_executor_put_back,
)  # fmt: skip
