"""Wiring: from settings to a house with a database, snapshots, tools and a desk.

Parts are made when first asked for, so that a command that reads cases never loads a solver, an index or a graph.
The ERP is wired for dispatch only: whoever reads or decides holds no way to post.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from inventory.database import Database, Transaction
from inventory.errors import NotFoundError
from inventory.people import save_user
from inventory.records import EVERYTHING, PolicyKind, PolicyVersion, User
from inventory.rulebook import find_policy, insert_policy
from service.errors import HomeError
from service.home import FileClock, HomeKind, Layout, clock_of, read_kind, system_clock, write_marker
from service.log_keeping import database_words, house_anchor, note_start
from service.settings import Settings

if TYPE_CHECKING:
    from agent.chat.desk import ChatDesk
    from agent.desk import ExceptionDesk
    from agent.gate_facts import RolloutMode
    from agent.models.door import ModelDoor
    from inventory.snapshots import SnapshotStore
    from tools.erp.port import ErpPort
    from tools.toolbox import Toolbox

SERVICE_USER = User(user_id="evenkeel", name="Evenkeel", roles=("service",))


@dataclass
class House:
    """An open home and everything wired to it."""

    settings: Settings
    layout: Layout
    kind: HomeKind
    clock: Callable[[], datetime]
    database: Database
    machine: Callable[[], datetime] = system_clock
    """The machine's own time, whatever the house's clock is."""

    @cached_property
    def snapshots(self) -> SnapshotStore:
        """The snapshots of this home."""
        from inventory.snapshots import SnapshotStore

        return SnapshotStore(self.layout.snapshots, self.database)

    @cached_property
    def toolbox(self) -> Toolbox:
        """The tools, without an ERP."""
        return self._toolbox(None)

    @cached_property
    def desk(self) -> ExceptionDesk:
        """The desk that sweeps, decides and answers; it cannot post."""
        return self._desk(self.toolbox)

    @cached_property
    def door(self) -> ModelDoor | None:
        """The door to the language model the settings name; none when they name none."""
        from service.models import open_door

        return open_door(self.settings, self.toolbox)

    @cached_property
    def chat(self) -> ChatDesk:
        """Where people ask in their own words; it decides nothing and cannot post."""
        from agent.chat.desk import ChatDesk
        from service.models import chat_model_of

        return ChatDesk(self.toolbox, model_for=chat_model_of(self.door))

    @cached_property
    def dispatch_desk(self) -> ExceptionDesk:
        """The desk that executes: the only one with an ERP, or with people's tasks where there is none."""
        return self._desk(self._toolbox(self.erp))

    def dispatch_over(self, erp: ErpPort) -> ExceptionDesk:
        """A desk that executes through that way to the ERP."""
        return self._desk(self._toolbox(erp))

    @cached_property
    def erp(self) -> ErpPort:
        """The ERP approved work is sent to; without one, every document is handed to a person."""
        if self.erp_kind == "none":
            from tools.erp.by_hand import ByHand

            return ByHand()
        from tools.erp.simulated import SimulatedErp

        return SimulatedErp(self.layout.erp, clock=self.clock)

    @property
    def erp_kind(self) -> Literal["simulated", "none"]:
        """The setting, else what suits the kind of home."""
        return self.settings.erp or ("simulated" if self.kind is HomeKind.DEMO else "none")

    @property
    def rollout(self) -> RolloutMode:
        """The setting, else what suits the kind of home."""
        return self.settings.rollout or ("auto" if self.kind is HomeKind.DEMO else "guided")

    @property
    def configuration(self) -> dict[str, str]:
        """What decides how the house acts, by name, without secrets."""
        return {
            "version": version("evenkeel"),
            "home": self.kind.value,
            "database": database_words(self.database),
            "erp": self.erp_kind,
            "rollout": self.rollout,
            "other_machines": "allowed" if self.settings.allow_non_loopback else "refused",
            "heads_folder": "set" if self.settings.heads_folder else "",
            "heads_command": "set" if self.settings.heads_command else "",
        }

    def advance(self, hours: float) -> datetime:
        """Move the demo clock forward; ``HomeError`` in a production home."""
        if not isinstance(self.clock, FileClock):
            raise HomeError(f"{self.layout.home} is a production home: its clock is the machine's")
        return self.clock.advance(timedelta(hours=hours))

    @contextmanager
    def workers(self, count: int | None = None, *, dask: str | None = None) -> Iterator[None]:
        """Look at parts of the network with so many processes or on Dask; when neither is named, as the settings say.

        Raises
        ------
        EngineError
            If the workers cannot be had.
        """
        from tools.engines import engine

        if count is None and dask is None:
            count = self.settings.workers
        with engine(workers=count, dask=dask) as executor:
            self.toolbox.executor = executor
            try:
                yield
            finally:
                self.toolbox.executor = None

    def close(self) -> None:
        """Close every connection."""
        if self.__dict__.get("door") is not None:
            self.__dict__["door"].close()
        self.database.dispose()

    def _toolbox(self, erp: ErpPort | None) -> Toolbox:
        from tools.toolbox import Toolbox

        return Toolbox(
            database=self.database,
            snapshots=self.snapshots,
            knowledge_root=self.layout.knowledge,
            clock=self.clock,
            erp=erp,
            machine=self.machine,
            hard_kill_seconds=self.settings.solver_seconds,
            rollout=self.rollout,
            erp_native_key=self.erp_kind == "simulated",
            secrets=self.settings.secrets,
        )

    def _desk(self, toolbox: Toolbox) -> ExceptionDesk:
        from agent.desk import ExceptionDesk
        from agent.ruling import Gate
        from service.models import drafter_of

        gate = Gate(rollout=self.rollout, erp_native_key=self.erp_kind == "simulated")
        return ExceptionDesk(toolbox, drafter_of(self.door), self.layout.checkpoints, gate)


def open_home(settings: Settings) -> House:
    """The house at ``settings.home``, its database brought to the newest schema.

    Raises
    ------
    HomeError
        If there is no home, or it cannot be understood.
    """
    layout = Layout(settings.home)
    kind = read_kind(layout)
    house = _house(settings, layout, kind)
    _note_start(house)
    return house


def init_home(home: Path, kind: HomeKind, clock: datetime | None = None, *, settings: Settings | None = None) -> House:
    """Make a home: schema, packaged policies as version 1, the service user, and for a demo its clock.

    A run that dies half-way leaves no home, and may be repeated.

    Parameters
    ----------
    clock
        Time a demo home begins at; a production home takes none.

    Raises
    ------
    HomeError
        If there is a home already, or the clock does not suit the kind.
    """
    layout = Layout(home)
    if layout.exists():
        raise HomeError(f"there is a home at {home} already")
    if (clock is None) is (kind is HomeKind.DEMO):
        raise HomeError(f"a {kind} home takes {'a' if kind is HomeKind.DEMO else 'no'} clock to begin with")
    home.mkdir(parents=True, exist_ok=True)
    if clock is not None:
        FileClock(layout.clock).set(clock)
    house = _house(settings or Settings(home=home), layout, kind)
    _note_start(house)
    with house.database.write(SERVICE_USER.user_id, house.clock()) as transaction:
        save_user(transaction, SERVICE_USER)
        _adopt(transaction, "approval", _packaged_approval())
        _adopt(transaction, "thresholds", _packaged_thresholds())
        _adopt(transaction, "stocking", _packaged_stocking())
        _adopt(transaction, "rights", _packaged_rights())
    write_marker(layout, kind)
    return house


def _house(settings: Settings, layout: Layout, kind: HomeKind) -> House:
    clock = clock_of(layout, kind)
    database = Database(database_of(settings, layout, kind), house_anchor(settings, layout, clock))
    database.migrate()
    return House(settings, layout, kind, clock, database)


def _note_start(house: House) -> None:
    key, actor = house.layout.signing_key, SERVICE_USER.user_id
    note_start(house.database, key, house.clock, house.configuration, actor=actor)


def database_of(settings: Settings, layout: Layout, kind: HomeKind) -> Path | str:
    """The database of a home. A demo never leaves its folder, whatever else is set."""
    if settings.database_url is None or kind is HomeKind.DEMO:
        return layout.database
    return settings.database_url.get_secret_value()


def _adopt(transaction: Transaction, kind: PolicyKind, content: str) -> None:
    try:
        find_policy(transaction.connection, EVERYTHING, kind)
    except NotFoundError:
        insert_policy(
            transaction,
            PolicyVersion(
                kind=kind, version=1, content=content, author=SERVICE_USER.user_id, effective_at=transaction.now
            ),
        )


def _packaged_approval() -> str:
    from agent.approval_policy import packaged_policy_text

    return packaged_policy_text()


def _packaged_rights() -> str:
    from agent.rights import packaged_rights_text

    return packaged_rights_text()


def _packaged_stocking() -> str:
    from tools.stocking_policy import packaged_stocking_policy

    return packaged_stocking_policy()


def _packaged_thresholds() -> str:
    from tools.thresholds import packaged_thresholds

    return packaged_thresholds()
