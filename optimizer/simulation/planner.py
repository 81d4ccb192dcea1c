"""Who orders: arrays of a policy, given quantities, or any callable that sees the past only."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from optimizer.arguments import FloatArray, IntArray, counts, finite, non_negative

_GUARD = 1e-9


@dataclass(frozen=True)
class Receipts:
    """Orders that a supplier or lane has under way or delivered, shape ``(k,)`` throughout, oldest order first.

    `days` is the time from order to receipt, or from order to now where `received` is false.
    """

    site: IntArray
    item: IntArray
    quantity: FloatArray
    ordered_day: IntArray
    days: IntArray
    received: np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True)
class View:
    """What is known in the morning of a day, after receipts; shape ``(sites, items)`` unless said. Not to be written.

    Parameters
    ----------
    on_order
        Ordered and not received, including what is in transit.
    owed
        Units a site still owes to sites it feeds.
    demand
        Shape ``(day, sites, items)``, demand of the days before.
    supply
        Purchase orders placed so far, as known today; a callable, as few planners need it.
    """

    day: int
    on_hand: FloatArray
    backordered: FloatArray
    on_order: FloatArray
    owed: FloatArray
    demand: FloatArray
    supply: Callable[[], Receipts]

    @property
    def inventory_position(self) -> FloatArray:
        """On-hand and on-order less backordered and owed."""
        return np.asarray(self.on_hand + self.on_order - self.backordered - self.owed)


@dataclass(frozen=True)
class Orders:
    """Decisions of a morning, units, None where there is none.

    Parameters
    ----------
    replenish
        Shape ``(sites, items)``, from whoever feeds the site.
    expedite
        Shape ``(sites, items)``, from the supplier at the world's expedite lead time.
    transfer
        Shape ``(lanes, items)``, sent today as far as the origin's stock goes; the rest is forgotten.
    """

    replenish: FloatArray | None = None
    expedite: FloatArray | None = None
    transfer: FloatArray | None = None


Planner = Callable[[View], Orders]


@dataclass(frozen=True)
class OrderPolicy:
    """(s, S), (r, nQ) and base stock, shape ``(sites, items)`` throughout.

    Where the inventory position is at or below `reorder_point` on a review day: with an `order_quantity` so many of
    it that the position comes above the reorder point, without one up to `order_up_to_level`, then up to the next
    multiple. A site's review days are ``first_review_day``, plus the review period, and so on.

    Raises
    ------
    ValueError
        If an array is out of range, or an order-up-to level lies below its reorder point.
    """

    reorder_point: FloatArray
    order_up_to_level: FloatArray
    order_quantity: FloatArray
    multiple: FloatArray
    review_period_days: IntArray
    first_review_day: IntArray
    _lowest: FloatArray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        checked: dict[str, FloatArray | IntArray] = {
            "reorder_point": finite("reorder_point", self.reorder_point),
            "order_up_to_level": finite("order_up_to_level", self.order_up_to_level),
            "order_quantity": non_negative("order_quantity", self.order_quantity),
            "multiple": non_negative("multiple", self.multiple),
            "review_period_days": counts("review_period_days", self.review_period_days),
            "first_review_day": counts("first_review_day", self.first_review_day),
        }
        for name, array in checked.items():
            if array.ndim != 2 or array.shape != np.shape(self.reorder_point):
                raise ValueError(f"{name} must have the shape (sites, items) of reorder_point, got {array.shape}")
            object.__setattr__(self, name, array)
        below = (self.order_quantity == 0.0) & (self.order_up_to_level < self.reorder_point)
        if below.any():
            place = tuple(int(i) for i in np.argwhere(below)[0])
            raise ValueError(f"order_up_to_level must not be below reorder_point at index {place}")
        if (self.review_period_days < 1).any():
            place = tuple(int(i) for i in np.argwhere(self.review_period_days < 1)[0])
            raise ValueError(f"review_period_days must be at least 1 at index {place}")
        object.__setattr__(self, "_lowest", np.where(self.multiple > 0.0, self.multiple, 1.0))

    @classmethod
    def min_max(
        cls,
        reorder_point: FloatArray,
        order_up_to_level: FloatArray,
        *,
        review_period_days: int = 1,
        multiple: float = 0.0,
    ) -> "OrderPolicy":
        """(s, S) with one review period and multiple for all."""
        return cls._same(reorder_point, order_up_to_level, np.zeros_like(reorder_point), multiple, review_period_days)

    @classmethod
    def fixed_quantity(
        cls, reorder_point: FloatArray, order_quantity: FloatArray, *, review_period_days: int = 1
    ) -> "OrderPolicy":
        """(r, nQ)."""
        return cls._same(reorder_point, reorder_point, order_quantity, 0.0, review_period_days)

    @classmethod
    def base_stock(cls, order_up_to_level: FloatArray, *, review_period_days: int = 1) -> "OrderPolicy":
        """Up to a level at every review."""
        return cls._same(
            order_up_to_level, order_up_to_level, np.zeros_like(order_up_to_level), 0.0, review_period_days
        )

    @classmethod
    def _same(
        cls, point: FloatArray, level: FloatArray, quantity: FloatArray, multiple: float, review: int
    ) -> "OrderPolicy":
        shape = np.shape(point)
        every = np.full(shape, review, dtype=np.int64)
        return cls(point, level, quantity, np.full(shape, multiple), every, np.zeros(shape, dtype=np.int64))

    def __call__(self, view: View) -> Orders:
        """The morning's orders."""
        if self.reorder_point.shape != view.on_hand.shape:
            raise ValueError(f"reorder_point must have shape {view.on_hand.shape}, got {self.reorder_point.shape}")
        since = view.day - self.first_review_day
        due = (since >= 0) & (since % self.review_period_days == 0)
        if not due.any():
            return Orders()
        return Orders(np.where(due, self.quantity(view.inventory_position), 0.0))

    def quantity(self, inventory_position: FloatArray) -> FloatArray:
        """Units to order at a position, shape ``(sites, items)``."""
        gap = self.reorder_point - inventory_position
        by_lot = self.order_quantity > 0.0
        lots = np.floor(gap / np.where(by_lot, self.order_quantity, 1.0) * (1.0 + _GUARD)) + 1.0
        needed = np.maximum(self.order_up_to_level - inventory_position, 0.0)
        # A quantity that is a multiple but for rounding is that multiple.
        whole = np.ceil(needed / self._lowest * (1.0 - _GUARD)) * self._lowest
        up_to = np.where(self.multiple > 0.0, whole, needed)
        return np.where(gap >= 0.0, np.where(by_lot, lots * self.order_quantity, up_to), 0.0)


@dataclass(frozen=True)
class GivenOrders:
    """Quantities fixed beforehand, shape ``(days, sites, items)``; later days order nothing."""

    quantity: FloatArray

    def __post_init__(self) -> None:
        quantity = non_negative("quantity", self.quantity)
        if quantity.ndim != 3:
            raise ValueError(f"quantity must have shape (days, sites, items), got {quantity.shape}")
        object.__setattr__(self, "quantity", quantity)

    def __call__(self, view: View) -> Orders:
        """The morning's orders."""
        return Orders(self.quantity[view.day]) if view.day < len(self.quantity) else Orders()
