"""Which tables refer to which, and so in what order feeds are judged."""

from __future__ import annotations

from inventory.contract import TABLES, Table


def referred_tables() -> frozenset[str]:
    """Names of the tables that others, or they themselves, refer to."""
    return frozenset().union(*(targets(each) for each in TABLES))


def targets(contract: Table) -> frozenset[str]:
    """Names of the tables a table refers to."""
    return frozenset(column.refers_to.partition(".")[0] for column in contract.columns if column.refers_to)


def reading_order() -> list[Table]:
    """The contract's tables, each after those it refers to."""
    ordered: list[Table] = []
    waiting = list(TABLES)
    while waiting:
        done = {each.name for each in ordered}
        ready = [each for each in waiting if targets(each) <= done | {each.name}]
        ordered += ready
        waiting = [each for each in waiting if each not in ready]
    return ordered
