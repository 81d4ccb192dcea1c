"""Lead time of a supplier never received from, told from its contract and from what other suppliers make of theirs."""

import numpy as np

from optimizer.arguments import BoolArray, FloatArray, IntArray

_CELLS_PER_CONTRACT = 20
_CELLS = 200
_FAITH = 5.0


def on_contract(contract_days: FloatArray, horizon_days: int) -> FloatArray:
    """All mass on the contract's day, rounded up: shape ``(len(contract_days), horizon_days)``."""
    law = np.zeros((len(contract_days), horizon_days))
    day = np.minimum(np.ceil(contract_days * (1.0 - 1e-9)), horizon_days - 1).astype(np.int64)
    law[np.arange(len(day)), day] = 1.0
    return law


def scaled_to_contract(
    waited: IntArray,
    observed: BoolArray,
    weight: FloatArray,
    contract: FloatArray,
    wanted: FloatArray,
    horizon_days: int,
) -> FloatArray:
    """Law of actual over contract days of all orders, open ones censored, stretched to each wanted contract.

    The ratio is kept in twentieths of a contract up to ten contracts. Five orders delivered on contract are added, so
    that a handful of receipts elsewhere does not decide.

    Parameters
    ----------
    waited, observed, weight, contract
        Shape ``(m,)``: days to receipt or to now, whether received, units or 1, contract lead time of the order.
    wanted
        Shape ``(k,)``, contract days of the groups asked for.
    """
    cell = np.floor(waited * _CELLS_PER_CONTRACT / np.maximum(contract, 1.0) * (1.0 + 1e-12)).astype(np.int64)
    last = np.minimum(np.where(observed, cell, cell - 1), _CELLS - 1)
    used = last >= 0
    squares = float((weight[used] ** 2).sum())
    scale = float(weight[used].sum()) / squares if squares > 0.0 else 0.0
    received = np.bincount(last[used], (weight * observed)[used] * scale, _CELLS)
    leaving = np.bincount(last[used], weight[used] * scale, _CELLS)
    received[_CELLS_PER_CONTRACT] += _FAITH
    leaving[_CELLS_PER_CONTRACT] += _FAITH
    at_risk = np.cumsum(leaving[::-1])[::-1]
    hazard = np.divide(received, at_risk, out=np.zeros(_CELLS), where=at_risk > 0.0)
    open_ = np.cumprod(1.0 - np.minimum(hazard, 1.0))
    ratio_law = np.append(1.0, open_[:-1]) * hazard
    ratio_law[min(int((at_risk > 0.0).sum()), _CELLS - 1)] += open_[-1]
    day = np.rint(np.maximum(wanted, 1.0)[:, None] * np.arange(_CELLS) / _CELLS_PER_CONTRACT).astype(np.int64)
    law = np.zeros((len(wanted), horizon_days))
    np.add.at(law, (np.arange(len(wanted))[:, None], np.minimum(day, horizon_days - 1)), ratio_law)
    return np.asarray(law / law.sum(axis=1, keepdims=True))
