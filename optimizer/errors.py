"""What can go wrong in the mathematics, beyond a bad argument (which is a `ValueError`).

OptimizerError
├── ConservationError       the books of a simulated period do not close
├── ConvergenceError        an iteration did not settle
├── PlanViolationError      a transfer plan breaks a limit of its problem
└── SolverPathError         a forced solver path did not come to an end
"""


class OptimizerError(Exception):
    """Root of the package's errors."""


class ConvergenceError(OptimizerError):
    """An iteration did not settle within its steps; the message names the first series."""


class PlanViolationError(OptimizerError):
    """A transfer plan breaks a limit of its problem, or its stated value is not its value."""


class SolverPathError(OptimizerError):
    """A recorded solver path was forced and the solver did not deliver on it."""


class ConservationError(OptimizerError):
    """Units appeared or vanished in a simulated period; the message names the day and the place."""
