"""The door to option pricing: what each option is worth, how sure its ranking is, and where it flips."""

from optimizer.options.confidence import ParameterError, RankingConfidence, ranking_confidence
from optimizer.options.flip import flip_point
from optimizer.options.pricing import OptionRows, OptionValues, price_options

__all__ = [
    "OptionRows",
    "OptionValues",
    "ParameterError",
    "RankingConfidence",
    "flip_point",
    "price_options",
    "ranking_confidence",
]
