"""A markdown as a change of demand: constant elasticity of price."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from optimizer.arguments import FloatArray, finite, non_negative, same_length
from optimizer.options.worlds import Worlds


def markdown_lift(discount: ArrayLike, elasticity: ArrayLike) -> FloatArray:
    r"""Factor on mean demand, :math:`(1 - d)^{-\varepsilon}`.

    Parameters
    ----------
    discount
        Shape ``(n,)``, share taken off the price, in [0, 1).
    elasticity
        Shape ``(n,)``, units gained in percent per percent of price, not negative.

    Source
    ------
    Constant-elasticity demand: Talluri & van Ryzin (2004), The Theory and Practice of Revenue Management, ch. 7.

    Examples
    --------
    >>> markdown_lift([0.2], [2.0]).round(4)
    array([1.5625])
    """
    off, power = non_negative("discount", discount), non_negative("elasticity", elasticity)
    same_length(discount=off, elasticity=power)
    if (off >= 1.0).any():
        raise ValueError(f"discount must be below 1 at index ({int(np.argmax(off >= 1.0))},): {off[off >= 1.0][0]}")
    with np.errstate(over="ignore"):
        return finite("the lift of discount and elasticity", np.exp(-power * np.log1p(-off)))


def marked_down(worlds: Worlds, discount: ArrayLike, elasticity: ArrayLike) -> Worlds:
    """The worlds with demand lifted; its ratio of variance to mean stays, known demand too."""
    lift = markdown_lift(discount, elasticity)
    same_length(discount=lift, on_hand=worlds.on_hand)

    def lifted(values: FloatArray, factor: FloatArray) -> FloatArray:
        return values * (factor if values.ndim == 1 else factor[:, None])

    return replace(
        worlds,
        mean_per_day=lifted(worlds.mean_per_day, lift),
        sd_per_day=lifted(worlds.sd_per_day, np.sqrt(lift)),
    )
