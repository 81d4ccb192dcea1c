"""SKELETON while being filled in."""
from optimizer.transfer_problem import SolverPath, TransferPlan, TransferProblem
__all__ = ["SolverPath", "TransferPlan", "TransferProblem", "solve_transfers"]
def solve_transfers(problem: TransferProblem, *, node_limit: int = 2000, gap: float = 1e-6,
    hard_kill_seconds: float | None = None, force_path: SolverPath | None = None) -> TransferPlan:
    raise NotImplementedError
def verify_plan(problem: TransferProblem, plan: TransferPlan) -> tuple[str, ...]:
    """Violations, empty when the plan is sound (independent re-check)."""
    raise NotImplementedError
def plan_value(problem: TransferProblem, units: "object") -> float:
    """Money saved against moving nothing, recomputed from the problem."""
    raise NotImplementedError
