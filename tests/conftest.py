"""Worlds that were built once and are copied by each test that works in one; and the databases they live in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.compiled import compile_once
from tests.worlds import World, two_sites_one_lane, two_stores_one_donor

ON_BOTH: tuple[str, ...] = (
    "tests/acceptance/test_kills.py",
    "tests/acceptance/test_many_histories.py",
    "tests/acceptance/test_many_races.py",
    "tests/histories/test_histories.py",
    "tests/inventory/test_audit.py",
    "tests/inventory/test_capacity.py",
    "tests/inventory/test_capacity_races.py",
    "tests/inventory/test_contract_budgets.py",
    "tests/inventory/test_cases.py",
    "tests/inventory/test_chronicle.py",
    "tests/inventory/test_freezes.py",
    "tests/inventory/test_ledger.py",
    "tests/inventory/test_lifecycle.py",
    "tests/inventory/test_migrations.py",
    "tests/inventory/test_outbox.py",
    "tests/inventory/test_people.py",
    "tests/inventory/test_proposals_store.py",
    "tests/inventory/test_races.py",
    "tests/inventory/test_rulebook.py",
    "tests/inventory/test_scenarios.py",
    "tests/inventory/test_scope.py",
    "tests/inventory/test_trace.py",
    "tests/test_many_approvers.py",
    "tests/inventory/test_backup.py",
    "tests/inventory/test_workers.py",
    "tests/test_clocks.py",
    "tests/test_state_machine.py",
    "tests/agent/test_checkpoints.py",
    "tests/agent/test_tracing.py",
)
"""Modules that run on SQLite and on PostgreSQL; the others on what ``EVENKEEL_TEST_DATABASE`` says."""
ON_POSTGRESQL = (
    "tests/inventory/test_postgres.py",
    "tests/inventory/test_database_roles.py",
    "tests/test_database_accounts.py",
    "tests/service/test_database_commands.py",
)
"""Modules about what only PostgreSQL has."""
ON_BOTH_IN_ACCEPTANCE = (
    "tests/acceptance/test_thrash.py",
    "tests/agent/test_approval_sequences.py",
    "tests/agent/test_decision_sequences.py",
    "tests/agent/test_decisions.py",
    "tests/agent/test_desk.py",
    "tests/test_audit_tampering.py",
    "tests/test_races.py",
    "tests/test_restored.py",
    "tests/tools/test_actions.py",
    "tests/tools/test_erp_faults.py",
)
"""Modules that show the suite on SQLite what ``make acceptance`` sees again, whole, on PostgreSQL."""
LONGEST_FIRST = (
    "tests/test_state_machine.py",
    "tests/acceptance/test_many_histories.py",
    "tests/acceptance/test_kills.py",
    "tests/acceptance/test_many_races.py",
    "tests/tools/test_erp_faults.py",
    "tests/agent/test_gate_reference.py",
    "tests/acceptance/test_thrash.py",
)
"""Modules whose acceptance tests take minutes: begun last, one would keep a single process busy at the end."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each module on the databases it is listed for."""
    module = metafunc.definition.path.relative_to(metafunc.config.rootpath).as_posix()
    engines: tuple[object, ...] = ()
    if module in ON_BOTH:
        engines = postgres.ENGINES
    elif module in ON_POSTGRESQL:
        engines = ("postgresql",)
    elif module in ON_BOTH_IN_ACCEPTANCE and metafunc.config.getoption("markexpr") == "acceptance":
        engines = ("sqlite", pytest.param("postgresql", marks=pytest.mark.acceptance))
    if engines:
        metafunc.parametrize("engine", engines, indirect=True, scope="session")


def pytest_configure(config: pytest.Config) -> None:
    """Hand the long tests out one by one."""
    if config.getoption("markexpr") in ("acceptance", "soak") and config.getoption("maxschedchunk", None) is None:
        config.option.maxschedchunk = 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, PostgreSQL before SQLite, and leave the order of all other tests."""

    def place(item: pytest.Item) -> tuple[int, bool]:
        module = item.path.relative_to(item.config.rootpath).as_posix()
        if module not in LONGEST_FIRST or item.get_closest_marker("acceptance") is None:
            return len(LONGEST_FIRST), False
        return LONGEST_FIRST.index(module), "[postgresql" not in item.name

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def compiled_statements() -> Iterator[None]:
    """No database compiles what another one of the session has compiled."""
    with pytest.MonkeyPatch.context() as patch:
        compile_once(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The database that stores and worlds are made on."""
    name = getattr(request, "param", postgres.default_engine())
    postgres.use(name)
    yield name
    postgres.use(postgres.default_engine())


@pytest.fixture(autouse=True)
def nothing_left_on_the_server() -> Iterator[None]:
    """Close the connections to PostgreSQL that a test opened, and drop the databases it made."""
    before = postgres.databases_created()
    yield
    postgres.close_all()
    postgres.drop_databases(before)


def pytest_sessionfinish() -> None:
    """Stop the server, if one was started."""
    postgres.stop_server()


@pytest.fixture(scope="session")
def shelves() -> dict[str, dict[str, World]]:
    """The shelf of each engine; pytest ends a fixture whose parameter changes, and these are worth keeping."""
    return {}


@pytest.fixture(scope="session")
def shelf(
    engine: str, shelves: dict[str, dict[str, World]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, World]:
    """Worlds to copy: a person decides (``guided``), policy decides (``auto``), two want one donor (``rivals``)."""
    if engine not in shelves:
        shelves[engine] = _furnished(tmp_path_factory.mktemp("shelf"))
    return shelves[engine]


def _furnished(root: Path) -> dict[str, World]:
    worlds = {
        "guided": World(root / "guided", two_sites_one_lane(), rollout="guided"),
        "auto": World(root / "auto", two_sites_one_lane()),
        "rivals": World(root / "rivals", two_stores_one_donor(), rollout="guided"),
    }
    for world in worlds.values():
        world.furnish().desk.sweep()
    return worlds


@pytest.fixture
def guided(shelf: dict[str, World], tmp_path: Path) -> World:
    """One transfer waits for a person."""
    return shelf["guided"].copied_to(tmp_path / "guided")


@pytest.fixture
def auto(shelf: dict[str, World], tmp_path: Path) -> World:
    """One transfer was approved by policy and waits for its recall window."""
    return shelf["auto"].copied_to(tmp_path / "auto")


@pytest.fixture
def rivals(shelf: dict[str, World], tmp_path: Path) -> World:
    """Two transfers of the same donor wait for a person."""
    return shelf["rivals"].copied_to(tmp_path / "rivals")
