"""HiGHS alone: reads a program from standard input, writes its answer to standard output, imports numpy and scipy only.

Run as a file by `highs`, so that a solver that does not end can be killed and one that aborts takes nobody with it.
Arrays travel in numpy's own format without pickles.
"""

import io
import sys
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array


def solve(program: dict[str, Any]) -> dict[str, Any]:
    """Solve a program given as arrays; `x` is empty when HiGHS returns no point."""
    columns = len(program["cost"])
    shape = (len(program["row_low"]), columns)
    matrix = csr_array((program["value"], (program["row"], program["column"])), shape=shape)
    answer = milp(
        program["cost"],
        integrality=program["integrality"],
        bounds=Bounds(np.zeros(columns), program["upper"]),
        constraints=LinearConstraint(matrix, program["row_low"], program["row_high"]),
        options={"node_limit": int(program["node_limit"]), "mip_rel_gap": float(program["gap"]), "disp": False},
    )
    point = np.zeros(0) if answer.x is None else np.asarray(answer.x)
    bound = getattr(answer, "mip_dual_bound", None)
    if bound is None:
        bound = answer.fun if answer.fun is not None else -np.inf
    return {"x": point, "bound": np.float64(bound), "status": np.int64(answer.status), "message": answer.message}


def main() -> None:
    """One program in, one answer out."""
    with np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False) as program:
        answer = solve(dict(program))
    answer["message"] = np.frombuffer(str(answer["message"]).encode(), dtype=np.uint8)
    written = io.BytesIO()
    np.savez(written, **answer)
    sys.stdout.buffer.write(written.getvalue())


if __name__ == "__main__":
    main()
