"""A run from import to receipt whose log is signed from its first entry, and ways to tamper with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Executable

from inventory.anchor import Anchor
from inventory.head_sinks import FolderSink, HeadDeliveries
from inventory.heads import HeadSigner, SignedHead, create_key
from inventory.log_report import KEY_EVENT, LogReport, examine_log
from tests.worlds import World, two_sites_one_lane
from tools.executor import executing

Change = Executable | Callable[[Connection], object]


def signed_world(folder: Path) -> World:
    """An empty world whose heads are signed, and delivered to the folder ``third`` beside it."""
    world = World(folder / "world", two_sites_one_lane(), rollout="guided")
    third = folder / "third"
    third.mkdir()
    key = folder / "key" / "signing.key"
    create_key(key)
    signer = HeadSigner(key, world.clock)
    world.database.anchor = Anchor(world.database.anchor.path, signer, HeadDeliveries([FolderSink(third)], folder))
    with world.database.write("evenkeel", world.clock()) as transaction:
        transaction.record(KEY_EVENT, "key", "signing_key", {"public": signer.public})
    return world


def to_receipt(world: World) -> World:
    """One case from detection to its observed outcome."""
    world.furnish().desk.sweep()
    world.clock.forward(hours=1)
    world.decide(world.the_proposal(), "approve", "pia")
    world.clock.forward(hours=1)
    with executing(world.toolbox, world.erp.capabilities.name, "evenkeel"):
        pass  # an executor that found nothing to do: the next one's number is a later one
    world.desk.execute()
    world.clock.forward(days=2)
    (document,) = world.erp.open_documents()
    world.erp.receive(document.reference, world.clock())
    world.deliver_from_erp()
    world.desk.sweep()
    return world


@dataclass
class Tampered:
    """A world's log as somebody would leave it: other rows, another anchor, another third place."""

    world: World
    aside: Path
    """An empty folder of this attempt."""
    changes: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        kept = self.world.database.anchor
        self.anchor_path = self.aside / "anchor.log"
        self.anchor_path.write_bytes(kept.path.read_bytes())
        self.signer, self.deliveries = kept.signer, kept.deliveries

    @property
    def lines(self) -> list[str]:
        """Lines of the anchor."""
        return self.anchor_path.read_text("ascii").splitlines()

    def rewrite_anchor(self, lines: list[str]) -> None:
        """Put other lines into the anchor."""
        self.anchor_path.write_text("\n".join(lines), "ascii")

    @property
    def heads(self) -> list[SignedHead]:
        """Heads of the true anchor."""
        return self.world.database.anchor.heads()

    def found(self) -> LogReport:
        """What the verifier says; nothing of it is kept."""
        with self.world.database.write("intruder", self.world.clock()) as transaction:
            nested = transaction.connection.begin_nested()
            for change in self.changes:
                if isinstance(change, Executable):
                    transaction.connection.execute(change)
                else:
                    change(transaction.connection)
            report = examine_log(transaction.connection, Anchor(self.anchor_path, self.signer, self.deliveries))
            nested.rollback()
        return report


def without_references(connection: Connection) -> None:
    """Let rows go that others refer to, until the end of the transaction, as the owner of the database may."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    else:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")


def without_triggers(connection: Connection) -> None:
    """Take away what keeps the trace from being changed, as the owner of the database may."""
    of_table = "" if connection.dialect.name == "sqlite" else " ON trace"
    for name in ("trace_no_update", "trace_no_delete"):
        connection.exec_driver_sql(f"DROP TRIGGER {name}{of_table}")


@contextmanager
def another_hand(aside: Path, world: World) -> Iterator[HeadSigner]:
    """A signer with a key of an intruder's own."""
    key = aside / "intruder.key"
    create_key(key)
    yield HeadSigner(key, world.clock)
