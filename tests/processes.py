"""Processes that begin with the product imported.

One server a session imports it, runs nothing of it, and forks whoever is asked for: importing costs two seconds each
time, and most processes of the tests live for less.
"""

from __future__ import annotations

import multiprocessing
from functools import cache
from multiprocessing.context import ForkServerContext

PRELOADED = ("tests.contenders", "tests.inventory.races", "inventory.migrate", "inventory.postgres", "knowledge.base")
"""Everything such a process works with, also what the product loads late."""


@cache
def forks() -> ForkServerContext:
    """Makes processes, and what they share."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context
