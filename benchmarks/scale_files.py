"""Ten million item-sites as files: one range of items each, 104 weeks as a fixed-size list, every file its own draw."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
from scipy.special import pdtrik

ROWS = 31_250
"""Item-sites of a file; 320 files are ten million."""
WEEKS = 104
LEVELS, STEPS = 64, 4096
"""Rates a week that occur, and entries of the table of each one's quantiles."""


def rates() -> np.ndarray:
    """Units a week, from very slow movers to fast ones."""
    return np.geomspace(0.05, 40.0, LEVELS)


def quantiles() -> np.ndarray:
    """Poisson quantiles by rate, shape ``(LEVELS, STEPS)``: a draw is a look into this table."""
    chance = (np.arange(STEPS) + 0.5) / STEPS
    drawn = np.ceil(pdtrik(chance[None, :], rates()[:, None]) - 1e-9)
    return np.nan_to_num(np.maximum(drawn, 0.0)).astype(np.float32)


def write_file(folder: str, number: int, rows: int = ROWS) -> str:
    """Write one file from its own seed; a file that is there stays."""
    path = Path(folder) / f"part-{number:05d}.parquet"
    if path.exists():
        return str(path)
    generator = np.random.Generator(np.random.SFC64(number))
    level = generator.integers(0, LEVELS, rows)
    draw = generator.integers(0, STEPS, (rows, WEEKS), dtype=np.uint16)
    weekly = quantiles()[level[:, None], draw]
    rate = rates()[level]
    lead = generator.uniform(3.0, 30.0, rows)
    frame = pl.DataFrame(
        {
            "item_site": np.arange(rows) + number * rows,
            "on_hand": np.floor(rate / 7.0 * lead * generator.uniform(0.5, 4.0, rows)).astype(np.float32),
            "lead_time_mean": lead.astype(np.float32),
            "lead_time_sd": (0.3 * lead).astype(np.float32),
            "weekly": pl.Series(weekly, dtype=pl.Array(pl.Float32, WEEKS)),
        }
    )
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    frame.write_parquet(aside, compression="zstd")
    os.replace(aside, path)
    return str(path)
