"""How long regular replenishment still leaves an item-site to itself."""

from __future__ import annotations

import numpy as np

from tools.columns import FloatArray, IntArray
from tools.outlook import Outlook


def not_there_yet(outlook: Outlook, rows: IntArray) -> FloatArray:
    r"""Chance, for each day ahead, that an order placed at the next review is not there yet.

    The day of the next review is not known, so the wait for it is taken to be uniform over the review period R: with
    mean lead time L the order is missing on day t with chance :math:`\min(1, \max(0, (L + R - t) / R))`. A day counts
    in full until the lead time has passed and not at all from the end of the window on; today always counts.

    Taking every order to wait a whole period, as the window does, calls out shortages that the review of tomorrow
    settles.

    Parameters
    ----------
    rows
        Shape ``(k,)``, rows of the outlook.

    Returns
    -------
    FloatArray
        Shape ``(k, horizon_days)``, in 0..1.
    """
    lead = np.maximum(outlook.lead_time_mean[rows], 1.0)[:, None]
    review = np.maximum(outlook.arrays.review_days[rows], 1e-9)[:, None]
    day = np.arange(outlook.arrays.horizon_days)
    return np.asarray(np.clip((lead + review - day) / review, 0.0, 1.0))
