"""Signed heads: one after each commit, chained, kept in three places; a place that fails never fails the commit."""

from __future__ import annotations

import shlex
import stat
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.anchor import Anchor, Link
from inventory.audit import GENESIS
from inventory.audit_heads import kept_heads
from inventory.database import Database
from inventory.errors import HeadSinkError
from inventory.head_sinks import CommandSink, FolderSink, HeadDeliveries
from inventory.heads import HeadSigner, SignedHead, create_key, head_problem, is_signed_by, parse_head, public_file
from inventory.log_report import KEY_EVENT, examine_log
from tests.inventory.worlds import NOW, a_database, a_second_process


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> HeadSigner:
    """A signer with a key of its own."""
    key = tmp_path_factory.mktemp("key") / "signing.key"
    create_key(key)
    return HeadSigner(key, lambda: NOW)


@pytest.fixture
def signed(template: Path, tmp_path: Path, signer: HeadSigner) -> Iterator[Database]:
    """A database whose heads are signed from the first entry."""
    database = a_database(template, tmp_path)
    database.anchor = Anchor(database.anchor.path, signer)
    with database.write("evenkeel", NOW) as transaction:
        transaction.record(KEY_EVENT, "key", "signing_key", {"public": signer.public})
    yield database
    database.dispose()


def write(database: Database, entries: int = 2) -> None:
    """One commit of some entries."""
    with database.write("ines", NOW) as transaction:
        for number in range(entries):
            transaction.record("case.missed", "case", f"case-{number}", {"times": number})


def alarms(database: Database) -> list[str]:
    """What the verifier complains about."""
    with database.read() as connection:
        return [alarm.problem for alarm in examine_log(connection, database.anchor).alarms]


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    key = tmp_path / "anchor" / "signing.key"
    create_key(key)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    first = key.read_bytes()
    create_key(key)
    assert key.read_bytes() == first
    assert sorted(path.name for path in key.parent.iterdir()) == ["signing.key", "signing.pub"]
    assert public_file(key).read_text("ascii").strip() == HeadSigner(key, lambda: NOW).public


def test_a_head_is_signed_over_every_field_of_it(signer: HeadSigner) -> None:
    head = signer.sign(7, "ab" * 32, GENESIS)
    assert is_signed_by(head, signer.public)
    for changed in (
        SignedHead(8, head.hash, head.at, head.previous, head.signature),
        SignedHead(7, "cd" * 32, head.at, head.previous, head.signature),
        SignedHead(7, head.hash, "2026-03-03T06:00:00+00:00", head.previous, head.signature),
        SignedHead(7, head.hash, head.at, "1" * 64, head.signature),
        SignedHead(7, head.hash, head.at, head.previous, "0" * 128),
    ):
        assert not is_signed_by(changed, signer.public)
        assert changed.link != head.link
    assert not is_signed_by(head, "0" * 64)
    assert not is_signed_by(head, "no key")


def test_an_independent_implementation_accepts_the_signature(signer: HeadSigner) -> None:
    """The bytes under the signature, put together here from the words of docs/controls.md alone."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    head = signer.sign(258, "ab" * 32, "cd" * 32)
    moment = b"2026-03-02T06:00:00+00:00"
    said = b"evenkeel.head.v1\n" + b"\0\0\0\0\0\0\1\2" + b"\xab" * 32 + b"\0\0\0\0\0\0\0\x19" + moment + b"\xcd" * 32
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(signer.public)).verify(bytes.fromhex(head.signature), said)


@settings(deadline=None, database=None)
@given(st.integers(1, 2**60), st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_a_head_is_read_back_from_its_line_and_from_no_part_of_it(sequence: int, name: bytes, signature: bytes) -> None:
    head = SignedHead(sequence, name.hex(), "2026-03-02T06:00:00+00:00", name[::-1].hex(), signature.hex())
    assert parse_head(head.line) == head
    assert all(parse_head(head.line[:length]) is None for length in range(len(head.line)))


@settings(deadline=None, database=None)
@given(st.text(max_size=40))
def test_no_other_line_is_a_head(line: str) -> None:
    assert parse_head(line) is None
    assert parse_head(f"head {line}") is None


def test_every_commit_is_signed_and_each_head_names_the_one_before(signed: Database, signer: HeadSigner) -> None:
    for _ in range(3):
        write(signed)
    heads = signed.anchor.heads()
    assert [head.sequence for head in heads] == [1, 3, 5, 7]
    assert [head.previous for head in heads] == [GENESIS, *(head.link for head in heads[:-1])]
    assert [head_problem(head, before, signer.public) for before, head in zip([None, *heads], heads, strict=False)] == [
        None
    ] * 4
    with signed.read() as connection:
        assert kept_heads(connection) == heads[:-1], "the database keeps each head with the commit after it"
    assert alarms(signed) == []


def test_a_commit_that_recorded_nothing_signs_nothing(signed: Database) -> None:
    with signed.write("ines", NOW):
        pass
    assert len(signed.anchor.heads()) == 1


def test_an_anchor_of_the_form_before_heads_is_read_and_goes_on_signed(
    template: Path, tmp_path: Path, signer: HeadSigner
) -> None:
    database = a_database(template, tmp_path)
    write(database, 4)
    database.anchor = Anchor(database.anchor.path, signer)
    with database.write("evenkeel", NOW) as transaction:
        transaction.record(KEY_EVENT, "key", "signing_key", {"public": signer.public})
    assert sorted(database.anchor.read()) == [1, 2, 3, 4, 5]
    assert [head.sequence for head in database.anchor.heads()] == [5]
    assert alarms(database) == []
    database.dispose()


def test_two_processes_sign_one_chain_of_heads(signed: Database) -> None:
    other = a_second_process(signed)
    other.anchor = Anchor(signed.anchor.path, signed.anchor.signer)
    for turn in range(6):
        write((signed, other)[turn % 2])
    other.dispose()
    assert len(signed.anchor.heads()) == 7
    assert alarms(signed) == []


def test_a_commit_anchored_after_a_later_one_is_covered_by_the_later_head(signed: Database) -> None:
    early, late = Held(signed.anchor.path, signed.anchor.signer), signed.anchor
    signed.anchor = early
    write(signed)
    signed.anchor = late
    write(signed)
    early.let_go()
    assert [head.sequence for head in late.heads()] == [1, 5]
    assert sorted(late.read()) == [1, 2, 3, 4, 5]
    assert alarms(signed) == []


class Held(Anchor):
    """An anchor that is told, and writes later."""

    def append(self, links: Sequence[Link]) -> None:
        """Hold them."""
        self.held = links

    def let_go(self) -> None:
        """Write what was held."""
        super().append(self.held)


def test_the_newest_head_is_found_behind_any_number_of_links(signed: Database, tmp_path: Path) -> None:
    write(signed, 2_500)
    fresh = Anchor(signed.anchor.path, signed.anchor.signer)
    newest = fresh.newest_head()
    assert newest is not None
    assert newest.sequence == 2_501
    assert Anchor(tmp_path / "none").newest_head() is None


def test_a_key_that_is_gone_is_an_alarm_and_stops_no_commit(signed: Database) -> None:
    signed.anchor = Anchor(signed.anchor.path, HeadSigner(signed.anchor.path.with_name("gone.key"), lambda: NOW))
    write(signed)
    told = alarms(signed)
    assert any("signing key cannot be read" in problem for problem in told)
    assert "entry 2 is anchored, but no signed head covers it: a head was dropped" in told


class Failing:
    """A place that is away."""

    name = "failing"

    def __init__(self) -> None:
        self.tried = 0

    def deliver(self, head: SignedHead) -> None:
        """Fail."""
        self.tried += 1
        raise HeadSinkError("the storage is away")

    def heads(self) -> list[SignedHead]:
        """Nothing."""
        return []


def test_a_place_that_fails_stops_no_commit_and_is_named_until_it_has_the_newest_head(
    signed: Database, tmp_path: Path
) -> None:
    failing, folder = Failing(), FolderSink(tmp_path / "third")
    folder.folder.mkdir()
    deliveries = HeadDeliveries([failing, folder], tmp_path)
    signed.anchor = Anchor(signed.anchor.path, signed.anchor.signer, deliveries)
    write(signed)
    write(signed)
    assert failing.tried == 1, "a place that failed is left alone for a while"
    with signed.read() as connection:
        report = examine_log(connection, signed.anchor)
    assert report.sound, "nothing was tampered with"
    assert [place.words for place in report.undelivered] == [
        "heads not delivered to failing: it has entry 0 of 5: the storage is away"
    ]
    assert [head.sequence for head in folder.heads()] == [3, 5]
    newest = signed.anchor.newest_head()
    assert newest is not None
    deliveries.deliver(newest, again=True)
    assert failing.tried == 2
    again = HeadDeliveries([FolderSink(tmp_path / "third")], tmp_path)
    assert again.undelivered(newest) == [], "another process knows how far a place has come"


def test_a_folder_keeps_each_head_once_and_refuses_another_of_the_same_entry(
    signer: HeadSigner, tmp_path: Path
) -> None:
    sink, head = FolderSink(tmp_path), signer.sign(1_234, "ab" * 32, GENESIS)
    sink.deliver(head)
    sink.deliver(head)
    assert sink.heads() == [head]
    with pytest.raises(HeadSinkError, match="holds another head of entry 1234"):
        sink.deliver(signer.sign(1_234, "cd" * 32, GENESIS))
    with pytest.raises(HeadSinkError, match="no such folder"):
        FolderSink(tmp_path / "away").deliver(head)
    path = next(tmp_path.rglob("*.head"))
    path.chmod(0o600)
    path.write_text("nonsense")
    with pytest.raises(HeadSinkError, match="does not hold the head"):
        sink.heads()


def python(program: str, *words: str) -> str:
    """A command line that runs a program, wherever the interpreter lies."""
    return shlex.join((sys.executable, "-c", program, *words))


def test_a_command_is_given_the_head_and_its_failure_is_told(signer: HeadSigner, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    head = signer.sign(3, "ab" * 32, GENESIS)
    CommandSink(python("import sys; open(sys.argv[1], 'a').write(sys.stdin.read())", str(kept))).deliver(head)
    assert kept.read_text() == f"{head.line}\n"
    with pytest.raises(HeadSinkError, match="ended with 3: no room"):
        CommandSink(python("import sys; sys.exit(sys.stderr.write('no room\\n') and 3)")).deliver(head)
    with pytest.raises(HeadSinkError, match="took longer than"):
        CommandSink(python("import time; time.sleep(9)"), seconds=0.2).deliver(head)
    with pytest.raises(OSError, match="evenkeel-no-such"):
        CommandSink("evenkeel-no-such-command").deliver(head)


def test_the_clock_of_the_signer_tells_when(tmp_path: Path) -> None:
    moments, key = iter([NOW, NOW + timedelta(hours=5)]), tmp_path / "signing.key"
    create_key(key)
    signer = HeadSigner(key, lambda: next(moments))
    first = signer.sign(1, "ab" * 32, GENESIS)
    second = signer.sign(2, "ab" * 32, first.link)
    assert (first.at, second.at) == ("2026-03-02T06:00:00+00:00", "2026-03-02T11:00:00+00:00")
