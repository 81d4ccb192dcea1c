"""Ask HiGHS, in a child process that can be killed or, without a limit, right here.

Limits are nodes and gap, never seconds: the same program gives the same answer. The hard kill is a safety net, and
when it fires the answer says so.
"""

import io
import os
import subprocess
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from optimizer.arguments import FloatArray
from optimizer.transfers import highs_child
from optimizer.transfers.program import LinearProgram
from optimizer.transfers.relaxation import Relaxation


@dataclass(frozen=True)
class HighsAnswer:
    """A point (None if there is none), a lower bound of the minimum, what the solver said, prices of rows if asked."""

    point: FloatArray | None
    bound: float
    status: str
    price: FloatArray = field(default_factory=lambda: np.zeros(0))


def ask_highs(
    program: LinearProgram, *, integral: bool, node_limit: int, gap: float, hard_kill_seconds: float | None
) -> HighsAnswer:
    """Answer to a program, with its integrality or relaxed; never raises for what the solver does."""
    arrays = _arrays(program) | {"node_limit": np.int64(node_limit), "gap": np.float64(gap)}
    if not integral:
        arrays["integrality"] = np.zeros_like(program.integrality)
    if hard_kill_seconds is None:
        return _answer(highs_child.solve(arrays))
    return _ask_child(arrays, hard_kill_seconds)


def ask_relaxed(program: Relaxation, *, hard_kill_seconds: float | None) -> HighsAnswer:
    """Answer to a relaxation, with the duals of its rows; never raises for what the solver does."""
    if hard_kill_seconds is None:
        return _answer(highs_child.solve_relaxed(_arrays(program)))
    return _ask_child(_arrays(program), hard_kill_seconds)


def _arrays(program: LinearProgram | Relaxation) -> dict[str, Any]:
    return {each.name: getattr(program, each.name) for each in fields(program)}


def _ask_child(arrays: dict[str, Any], hard_kill_seconds: float) -> HighsAnswer:
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    # -P keeps this folder off the child's path; one thread, because its work is small and the machine is shared.
    command = [sys.executable, "-P", str(Path(highs_child.__file__).resolve())]
    try:
        done = subprocess.run(
            command,
            input=packed.getvalue(),
            capture_output=True,
            timeout=hard_kill_seconds,
            check=False,
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired:
        return HighsAnswer(None, -np.inf, f"killed after {hard_kill_seconds:g} s")
    if done.returncode != 0:
        last_words = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return HighsAnswer(None, -np.inf, f"solver process ended with {done.returncode}: {' '.join(last_words)}")
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as written:
        answer = dict(written)
    answer["message"] = answer["message"].tobytes().decode()
    return _answer(answer)


def _answer(answer: dict[str, Any]) -> HighsAnswer:
    point = answer["x"] if answer["x"].size and np.isfinite(answer["x"]).all() else None
    return HighsAnswer(point, float(answer["bound"]), str(answer["message"]), answer.get("price", np.zeros(0)))
