"""A circuit breaker: an endpoint that fails again and again is left alone for a while.

The state is this process's own. It protects nobody's data and keeps no promise, so losing it costs a few slow calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock


@dataclass
class CircuitBreaker:
    """Closed until so many failures in a row; then open for a time; then one trial decides.

    Parameters
    ----------
    failures
        Failures in a row that open it.
    seconds
        How long it stays open.
    clock
        Monotonic seconds.
    """

    failures: int
    seconds: float
    clock: Callable[[], float]
    _failed: int = 0
    _opened_at: float | None = None
    _on_trial: bool = False
    _lock: Lock = field(default_factory=Lock, repr=False)

    def allows(self) -> bool:
        """Whether a call may be made now; after the pause the first one asking is the trial."""
        with self._lock:
            if self._opened_at is None:
                return True
            if self._on_trial or self.clock() - self._opened_at < self.seconds:
                return False
            self._on_trial = True
            return True

    def succeeded(self) -> None:
        """The endpoint answered, be it with something of no use."""
        with self._lock:
            self._failed, self._opened_at, self._on_trial = 0, None, False

    def failed(self) -> None:
        """The endpoint did not do its part."""
        with self._lock:
            self._failed += 1
            if self._on_trial or self._failed >= self.failures:
                self._opened_at, self._on_trial = self.clock(), False

    @property
    def is_open(self) -> bool:
        """Whether calls are being held back."""
        return self._opened_at is not None
