"""Where the parts of a sweep are looked at: processes of this machine, or the workers of a Dask cluster.

Every engine is an executor of ``concurrent.futures``, and answers are put together in order of the parts, so that an
answer is the same whichever engine gave it. Workers do their numerical work in one thread each: parts are the unit of
parallel work. Processes are spawned, never forked (a forked Polars hangs), and this module imports nothing but the
standard library, so that a new process limits its threads before it loads a numerical library.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, wait
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context

from tools.errors import EngineError

ONE_THREAD = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "POLARS_MAX_THREADS"
    )
}  # fmt: skip
"""Environment of a worker."""
SELDOM = (200_000, 50, 100)
"""Thresholds of garbage collection while a network is looked at; a tenth of a large sweep's time went there."""
DASK_SECONDS = 20
"""How long a scheduler may take to answer."""


@contextmanager
def engine(*, workers: int | None = None, dask: str | None = None) -> Iterator[Executor | None]:
    """The executor to look at parts with, closed afterwards; None for this process.

    Parameters
    ----------
    workers
        Processes on this machine, at least 1; None looks at parts in this process.
    dask
        Address of a Dask scheduler whose workers have this package and see the snapshot directory.

    Raises
    ------
    EngineError
        If both are named, ``workers`` is below 1, Dask is not installed, or its scheduler does not answer.
    """
    if workers is not None and dask is not None:
        raise EngineError(f"parts are looked at by {workers} processes or by Dask at {dask}, not by both")
    if dask is not None:
        with _dask_workers(dask) as executor:
            yield executor
    elif workers is not None:
        with processes(workers) as executor:
            yield executor
    else:
        yield None


def processes(workers: int) -> ProcessPoolExecutor:
    """So many spawned processes, started at once so that they load while this one goes on."""
    if workers < 1:
        raise EngineError(f"a sweep needs at least 1 worker, not {workers}")
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_become_worker)
    with _environment(ONE_THREAD):
        for _ in range(workers):
            pool.submit(_load)
    return pool


@contextmanager
def _dask_workers(address: str) -> Iterator[Executor]:
    try:
        distributed = import_module("distributed")
    except ImportError as error:
        raise EngineError("Dask is not installed: pip install 'evenkeel[dask]'") from error
    try:
        client = distributed.Client(address, timeout=DASK_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise EngineError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        wait([client.get_executor(pure=False).submit(_become_worker)])
        yield client.get_executor(pure=False)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the processes started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Look for dead objects seldom: a sweep makes millions that live to its end, and each look passes over them all."""
    before = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _become_worker() -> None:
    """Limit the threads of libraries that are not loaded yet."""
    os.environ.update(ONE_THREAD)
    gc.set_threshold(*SELDOM)


def _load() -> None:
    """Load what looking at a part needs."""
    import tools.sweeping  # noqa: F401  the import is the work
