"""What can go wrong in the mathematics, beyond a bad argument (which is a `ValueError`).

OptimizerError
├── ConservationError       the books of a simulated period do not close
├── ConvergenceError        an iteration did not settle
├── CyclicBillError         a bill of materials leads back to itself (a `ValueError`, too)
├── PlanViolationError      a transfer plan breaks a limit of its problem
└── SolverPathError         a forced solver path did not come to an end
"""

from __future__ import annotations


class OptimizerError(Exception):
    """Root of the package's errors."""


class ConvergenceError(OptimizerError):
    """An iteration did not settle within its steps; the message names the first series."""


class CyclicBillError(OptimizerError, ValueError):
    """A bill of materials leads back to itself.

    Parameters
    ----------
    cycle
        Items of one cycle, product first; the last is the first again.
    """

    def __init__(self, cycle: tuple[int, ...]) -> None:
        self.cycle = cycle
        super().__init__(f"component must not lead back to its product: {' → '.join(map(str, cycle))}")

    def __reduce__(self) -> tuple[type[CyclicBillError], tuple[tuple[int, ...]]]:
        """So that it comes back whole from another process."""
        return CyclicBillError, (self.cycle,)


class PlanViolationError(OptimizerError):
    """A transfer plan breaks a limit of its problem, or its stated value is not its value."""


class SolverPathError(OptimizerError):
    """A recorded solver path was forced and the solver did not deliver on it."""


class ConservationError(OptimizerError):
    """Units appeared or vanished in a simulated period; the message names the day and the place."""
