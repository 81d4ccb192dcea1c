"""The questions about written rules that come with Evenkeel, put to its search."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from service.demo.corpus import DOCUMENTS, read_corpus

if TYPE_CHECKING:
    from knowledge.embedding import Embedding
    from knowledge.evaluation import Judged, Question
    from knowledge.passages import SourceDocument

SET = Path(__file__).parent / "retrieval"


def set_documents() -> list[SourceDocument]:
    """The demo company's rules and those written for the set."""
    from knowledge.passages import SourceDocument

    return [
        SourceDocument(
            document_id=rule.id,
            title=rule.title,
            version=rule.version,
            text=rule.body,
            effective_from=rule.effective_from,
            effective_to=rule.effective_to,
            sites=rule.sites,
            suppliers=rule.suppliers,
            item_classes=rule.item_classes,
            actions=rule.actions,
        )
        for folder in (DOCUMENTS, SET / "documents")
        for rule in read_corpus(folder)
    ]


def set_questions() -> tuple[Question, ...]:
    """The questions, in the order of their file."""
    from knowledge.evaluation import read_questions

    return read_questions((SET / "questions.jsonl").read_text("utf-8"))


def judge_set(knowledge_root: Path | None = None) -> tuple[Embedding, tuple[Judged, ...]]:
    """Every question put to an index built for the occasion.

    Parameters
    ----------
    knowledge_root
        Where a sentence model may be installed; the home of the settings when absent.
    """
    from knowledge.base import KnowledgeBase
    from knowledge.evaluation import judge_base
    from knowledge.sentence_model import open_embedding
    from service.home import Layout
    from service.settings import read_settings

    used = open_embedding(knowledge_root or Layout(read_settings().home).knowledge)
    with TemporaryDirectory(prefix="evenkeel-") as folder:
        base = KnowledgeBase(set_documents(), Path(folder), used)
        return used, judge_base(base, set_questions())
