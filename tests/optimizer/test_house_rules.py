"""What the package may import, and that a full sweep takes seconds."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import optimizer
from optimizer.demand.moments import demand_moments
from optimizer.risk.projection import InboundSchedule, project_stock

PACKAGE = Path(optimizer.__file__).parent
LISTING = (
    "import sys; print(*sorted({name.split('.')[0] for name in sys.modules} | {'scipy.stats'} & set(sys.modules)))"
)


def _imported(statement: str) -> set[str]:
    command = [sys.executable, "-c", f"{statement}; {LISTING}"]
    return set(subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, check=True, text=True).stdout.split())


def test_every_module_needs_numpy_and_scipy_only() -> None:
    files = (path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py") if path.stem != "__init__")
    names = sorted(".".join(file.parts) for file in files)
    loaded = _imported("import " + ", ".join(f"optimizer.{name}" for name in names))
    bare = _imported("import numpy, scipy.optimize, scipy.sparse.csgraph, scipy.special")
    surplus = {name for name in loaded - bare - set(sys.stdlib_module_names) if not name.startswith("_")}
    assert surplus == {"optimizer"}


def test_the_solver_process_loads_nothing_of_the_house() -> None:
    statement = f"import runpy; runpy.run_path({str(PACKAGE / 'transfers' / 'highs_child.py')!r}, run_name='child')"
    assert not _imported(statement) & {"optimizer", "tools", "inventory", "scipy.stats", "pydantic", "polars"}


@pytest.mark.acceptance
def test_a_hundred_thousand_series_are_swept_in_seconds() -> None:
    rng, n, days = np.random.default_rng(1), 100_000, 28
    history = rng.poisson(rng.uniform(0.05, 20.0, (n, 1)), (n, 104)).astype(np.float32)
    arrival = np.zeros((60_000, days))
    arrival[np.arange(60_000)[:, None], rng.integers(0, 22, 60_000)[:, None] + np.arange(5)] = 0.2
    inbound = InboundSchedule(rng.integers(0, n, 60_000), rng.uniform(1.0, 300.0, 60_000), arrival)
    started = time.perf_counter()
    moments = demand_moments(history)
    stock = moments.mean_per_day * rng.gamma(2.0, 20.0, n)
    project_stock(stock, moments.mean_per_day, moments.sd_per_day, horizon_days=days, inbound=inbound)
    assert time.perf_counter() - started < 20.0
