"""Small written rules for the tests of this package."""

from __future__ import annotations

from datetime import date

from knowledge import SourceDocument
from service.demo.corpus import read_corpus

TODAY = date(2024, 4, 8)


def a_rule(
    document_id: str = "SOP-1", text: str = "1.1 A donor keeps its reorder point.", **changes: object
) -> SourceDocument:
    """A document in force, about everything, with some fields changed."""
    fields: dict[str, object] = {"title": "Transfers", "version": 1, "effective_from": date(2023, 1, 1), **changes}
    return SourceDocument(document_id=document_id, text=text, **fields)  # type: ignore[arg-type]  # fields by name


def demo_rules() -> list[SourceDocument]:
    """The demo company's rules as this package takes them."""
    return [
        SourceDocument(
            document_id=document.id,
            title=document.title,
            version=document.version,
            text=document.body,
            effective_from=document.effective_from,
            effective_to=document.effective_to,
            sites=document.sites,
            suppliers=document.suppliers,
            item_classes=document.item_classes,
            actions=document.actions,
        )
        for document in read_corpus()
    ]
