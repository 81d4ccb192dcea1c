"""How often the long tests repeat: the counts that are asked for, or a share of them.

``EVENKEEL_TEST_SHARE=0.05`` runs a twentieth of each, at least one: to try them out, never to record them.
"""

from __future__ import annotations

import os

VARIABLE = "EVENKEEL_TEST_SHARE"


def of(what: str, full: int) -> int:
    """How many of something to do; all of them unless the environment says otherwise."""
    share = float(os.environ.get(VARIABLE, "1"))
    if not 0 < share <= 1:
        raise ValueError(f"{VARIABLE}: expected a share above 0 and at most 1 of the {what}, not {share}")
    return max(round(full * share), 1)
