"""One good call of every public function of the mathematics, by room, for the harness that damages their arrays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """A function with arguments it accepts.

    Parameters
    ----------
    function
        Function or dataclass.
    arguments
        By name; arrays are numpy arrays, anything else is passed on as it is.
    negative
        Array arguments in which negative values mean something.
    missing
        Array arguments in which NaN means something (a period not listed, say).
    infinite
        Array arguments in which infinity means something (no limit, say).
    alone
        Array arguments whose length is free, so that dropping an element is no mistake.
    any_value
        Array arguments without a natural unit bound, left out of the test with huge values.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    negative: frozenset[str] = field(default_factory=frozenset)
    missing: frozenset[str] = field(default_factory=frozenset)
    infinite: frozenset[str] = field(default_factory=frozenset)
    alone: frozenset[str] = field(default_factory=frozenset)
    any_value: frozenset[str] = field(default_factory=frozenset)

    @property
    def name(self) -> str:
        """Module and function."""
        return f"{self.function.__module__.removeprefix('optimizer.')}.{self.function.__name__}"
