"""Every kind of action: what its lines must say, what it touches, and how it is undone."""

from tools.action_kinds.registry import KINDS, effects, goods_travel, kind_of, problems, takes_stock
from tools.action_kinds.spec import ActionEffects, KindSpec, may_close

__all__ = [
    "KINDS",
    "ActionEffects",
    "KindSpec",
    "effects",
    "goods_travel",
    "kind_of",
    "may_close",
    "problems",
    "takes_stock",
]
