"""Which rules speak about the ends of proposal lines, whoever wrote the lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from inventory.machine_rules import RuleRecord
from inventory.records import ProposalLine
from inventory.snapshots import Snapshot
from tools.columns import BoolArray
from tools.outlook import Outlook
from tools.rules.scope import speaking

_SCHEMA = {"item": pl.String, "site": pl.String, "supplier": pl.String}


@dataclass(frozen=True)
class LineScopes:
    """Whether each rule speaks about the giving and the receiving end of each line, shape ``(lines, rules)``."""

    origin: BoolArray
    """False where a line has no giving site."""
    destination: BoolArray

    @property
    def either(self) -> BoolArray:
        """Whether each rule speaks about either end."""
        return self.origin | self.destination


def line_scopes(
    rules: Sequence[RuleRecord], snapshot: Snapshot, outlook: Outlook, lines: Sequence[ProposalLine]
) -> LineScopes:
    """Scopes of lines by the facts of a snapshot.

    Parameters
    ----------
    outlook
        Tells who supplies an item-site no line names a supplier for.
    """
    facts = snapshot.of_items({line.item for line in lines})
    ends = [
        [(line.item, site, line.supplier or _supplier(outlook, line.item, site)) for line, site in each]
        for each in ([(line, line.origin) for line in lines], [(line, line.destination) for line in lines])
    ]
    origin, destination = (speaking(rules, facts, pl.DataFrame(each, schema=_SCHEMA, orient="row")) for each in ends)
    given = np.array([bool(line.origin) for line in lines], dtype=np.bool_)
    return LineScopes(origin & given[:, None], destination)


def _supplier(outlook: Outlook, item: str, site: str) -> str:
    row = outlook.arrays.row_of.get((item, site))
    return "" if row is None else outlook.arrays.supplier[row]
