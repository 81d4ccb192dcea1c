"""How late suppliers are: a delay law per supplier, drawn from the shipped USAID shipments.

Real: which shipments were late and by what share of their promised lead time. Rescaled: that share is applied to the
demo's own lead times, so months become weeks. Invented: which vendor stands behind which supplier, and the extra
days of SUP-FIR.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from service.demo.history import DATA


@dataclass(frozen=True)
class SupplierTerms:
    """One supplier: its contract and the source vendor whose delays it borrows."""

    supplier: str
    name: str
    country: str
    lead_time_days: int
    source_column: str
    source_value: str
    expedite_saves_days: int
    expedite_price_factor: float
    expedite_fixed_cost: float
    """EUR; stands for the least charge its terms name."""
    extra_days: int = 0
    """Days by which it is always later than its contract; invented."""


SUPPLIERS: tuple[SupplierTerms, ...] = (
    SupplierTerms("SUP-ALDER", "Alder Tooling", "DE", 21, "vendor", "Orgenics, Ltd", 7, 1.06, 45.0),
    SupplierTerms("SUP-BIRCH", "Birch Consumables", "PL", 14, "vendor", "Trinity Biotech, Plc", 10, 1.09, 80.0),
    SupplierTerms("SUP-CEDAR", "Cedar Devices", "CZ", 28, "vendor", "CIPLA LIMITED", 14, 1.14, 150.0),
    SupplierTerms("SUP-ELM", "Elm Fasteners", "NL", 18, "vendor", "Standard Diagnostics, Inc.", 4, 1.04, 30.0),
    SupplierTerms("SUP-FIR", "Fir Instruments", "TR", 30, "vendor", "HETERO LABS LIMITED", 12, 1.11, 120.0, 8),
    SupplierTerms("SUP-HAZEL", "Hazel Optics", "IT", 24, "vendor", "CHEMBIO DIAGNOSTIC SYSTEMS, INC.", 6, 1.08, 60.0),
    SupplierTerms("SUP-LARCH", "Larch Overseas", "VN", 35, "vendor", "Aurobindo Pharma Limited", 14, 1.30, 250.0),
    SupplierTerms("SUP-MAPLE", "Maple Import", "CN", 45, "mode", "Ocean", 3, 1.07, 40.0),
)

EARLIEST, LATEST = -0.4, 0.9
"""Delays beyond these shares of the promised lead time are cut: the source holds re-planned orders a year off."""


def delay_shares(folder: Path = DATA) -> dict[str, NDArray[np.float64]]:
    """For each supplier the observed delays of its source vendor, as shares of the promised lead time."""
    shipments = pl.read_csv(folder / "usaid_delays.csv")
    share = (pl.col("delay_days") / pl.col("promised_lead_days")).clip(EARLIEST, LATEST)
    return {
        terms.supplier: shipments.filter(pl.col(terms.source_column) == terms.source_value)
        .select(share)
        .to_series()
        .to_numpy()
        for terms in SUPPLIERS
    }


def draw_delays(
    shares: Mapping[str, NDArray[np.float64]], supplier: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Delay in days against the promise of one order line each, negative when early.

    Parameters
    ----------
    shares
        Result of :func:`delay_shares`.
    supplier
        Shape ``(n_lines,)``, index into ``SUPPLIERS``.
    rng
        Source of randomness.

    Returns
    -------
    NDArray[np.int64]
        Shape ``(n_lines,)``, days.
    """
    delay = np.zeros(len(supplier), dtype=np.int64)
    for index, terms in enumerate(SUPPLIERS):
        chosen = supplier == index
        drawn = rng.choice(shares[terms.supplier], size=int(chosen.sum()))
        delay[chosen] = np.rint(drawn * terms.lead_time_days).astype(np.int64) + terms.extra_days
    return delay
