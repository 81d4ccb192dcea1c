"""Statements compiled once for every database of a process.

SQLAlchemy compiles a statement once for each engine. A house keeps its engine for as long as it runs; a test session
opens hundreds of databases, and would spend an eighth of its time on compiling the same statements for each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
from sqlalchemy import Engine

import inventory.database
import inventory.postgres

Make = Callable[..., Engine]


def compile_once(patch: pytest.MonkeyPatch) -> None:
    """Have engines that were asked for in the same words use the statements the first of them compiled."""
    for module in (inventory.database, inventory.postgres):
        patch.setattr(module, "_engine", _sharing(module._engine))


def _sharing(make: Make) -> Make:
    known: dict[str, Engine] = {}

    @wraps(make)
    def engine_on(where: Any, *args: Any, **kwargs: Any) -> Engine:
        engine, words = make(where, *args, **kwargs), repr((args, kwargs))
        first = known.get(words)
        if first is None or first.dialect.server_version_info is None:  # a dialect learns that when it first connects
            known[words] = engine
        else:
            engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
        return engine

    return engine_on
