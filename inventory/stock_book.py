"""The stock book: opening balance plus movements rebuild stock, and the difference to the stock feed is shown.

Rules
-----
- ``quantity`` is the signed change: receipts and returns are positive, issues and scrap negative, adjustments either.
- For ``opening`` and ``count`` it is the balance itself; what the book said before a count is reported, not hidden.
- Movements follow each other by time, an opening before others of its moment, then by id.
"""

from __future__ import annotations

import polars as pl

PLACE = ("item", "site", "lot")
_SETS_BALANCE = pl.col("kind").is_in(["opening", "count"])


def rebuild_stock(movements: pl.DataFrame) -> pl.DataFrame:
    """Stock as the book has it.

    Parameters
    ----------
    movements
        The ``movements`` table of a snapshot; quantities in smallest units.

    Returns
    -------
    polars.DataFrame
        ``item``, ``site``, ``lot``, ``on_hand`` (smallest units), sorted; a row for every place that ever moved.
    """
    balances = _balances(movements)
    return balances.group_by(PLACE, maintain_order=True).agg(pl.col("balance").last().alias("on_hand")).sort(PLACE)


def count_differences(movements: pl.DataFrame) -> pl.DataFrame:
    """Counts that found something else than the book said.

    Returns
    -------
    polars.DataFrame
        ``movement_id``, ``item``, ``site``, ``lot``, ``at``, ``booked``, ``counted``, ``difference`` (counted minus
        booked), by time.
    """
    balances = _balances(movements).with_columns(booked=pl.col("balance").shift(1, fill_value=0).over(PLACE))
    counts = balances.filter(pl.col("kind") == "count", pl.col("quantity") != pl.col("booked"))
    return counts.select(
        "movement_id",
        *PLACE,
        "at",
        "booked",
        pl.col("quantity").alias("counted"),
        (pl.col("quantity") - pl.col("booked")).alias("difference"),
    ).sort("at", "movement_id")


def differences(stock: pl.DataFrame, movements: pl.DataFrame) -> pl.DataFrame:
    """Places where the ERP's stock is not what the book says.

    Parameters
    ----------
    stock
        The ``stock`` table; rows of the warehouse's own count are left out, statuses are added up.
    movements
        The ``movements`` table; places without any movement are not compared.

    Returns
    -------
    polars.DataFrame
        ``item``, ``site``, ``lot``, ``on_hand``, ``rebuilt``, ``difference`` (stock minus book), where not zero.
    """
    held = stock.filter(pl.col("source") == "erp").group_by(PLACE).agg(pl.col("on_hand").sum())
    book = rebuild_stock(movements).rename({"on_hand": "rebuilt"})
    both = book.join(held, on=PLACE, how="left").with_columns(pl.col("on_hand").fill_null(0))
    return (
        both.select(*PLACE, "on_hand", "rebuilt", (pl.col("on_hand") - pl.col("rebuilt")).alias("difference"))
        .filter(pl.col("difference") != 0)
        .sort(PLACE)
    )


def _balances(movements: pl.DataFrame) -> pl.DataFrame:
    """The movements in order, each with the balance after it."""
    ordered = movements.with_columns((pl.col("kind") != "opening").alias("later")).sort("at", "later", "movement_id")
    run = ordered.with_columns(_SETS_BALANCE.cum_sum().over(PLACE).alias("run"))
    return run.with_columns(pl.col("quantity").cum_sum().over([*PLACE, "run"]).alias("balance"))
