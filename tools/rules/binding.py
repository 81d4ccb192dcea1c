"""Which rules keep a transfer from being larger, or from being possible, and how that is said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from inventory.machine_rules import RuleRecord
from tools.lanes import Lane
from tools.needs import barriers, own_floor, spare_units
from tools.outlook import Outlook
from tools.rules.keeping import keeper, keeping_words
from tools.rules.moving import barred_words


@dataclass(frozen=True)
class Bound:
    """A rule that binds, in words."""

    rule: RuleRecord
    words: str


def binding_on_lanes(outlook: Outlook, row: int, lanes: Sequence[Lane], sent: dict[int, int]) -> tuple[Bound, ...]:
    """Rules by which less can be sent to a row than donors could give otherwise, in the order of the lanes.

    Parameters
    ----------
    sent
        Units each donor row sends to this row.
    """
    if not outlook.arrays.rules:
        return ()
    return _once(bound for lane in lanes for bound in _on_lane(outlook, row, lane, sent))


def _on_lane(outlook: Outlook, row: int, lane: Lane, sent: dict[int, int]) -> list[Bound]:
    arrays = outlook.arrays
    donor = arrays.row_of.get((arrays.items[row], lane.origin))
    if donor is None or not outlook.planned[donor]:
        return []
    own = own_floor(outlook, donor)
    if int(arrays.free[donor]) - own < lane.lot:
        return []  # it could give nothing anyway
    barring = barriers(outlook).on(lane, donor, row)
    if barring is not None:
        return [Bound(barring, barred_words(lane, barring))]
    keeping = keeper(outlook, donor, own)
    if keeping is not None and spare_units(outlook, donor) - sent.get(donor, 0) < lane.lot:
        return [Bound(keeping, keeping_words(outlook, donor, keeping, own))]
    return []


def _once(found: Iterable[Bound]) -> tuple[Bound, ...]:
    return tuple({(bound.rule.passage_id, bound.rule.rule_id, bound.words): bound for bound in found}.values())
