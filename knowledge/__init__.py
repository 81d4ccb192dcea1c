"""Written rules: text to passages, an index, and a ranking that is the same on every rebuild."""

from knowledge.base import KnowledgeBase, RankedPassage
from knowledge.passages import Passage, SourceDocument, split_into_passages

__all__ = ["KnowledgeBase", "Passage", "RankedPassage", "SourceDocument", "split_into_passages"]
