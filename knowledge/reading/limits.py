"""How large a document may be: a rule book is small, and what is not small is an attack or a mistake."""

from __future__ import annotations

from knowledge.errors import OversizeDocumentError

BYTES = 20_000_000
"""Of a file."""
UNPACKED_BYTES = 100_000_000
"""Of all parts of a DOCX file together."""
PARTS = 2_000
"""Of a DOCX file."""
PAGES = 500
"""Of a PDF file."""
CHARACTERS = 2_000_000
"""Of the text found."""
NESTING = 150
"""Elements within one another in HTML."""


def within(measured: int, limit: int, what: str, name: str) -> None:
    """Refuse a document that passes a limit.

    Raises
    ------
    OversizeDocumentError
        Naming the document, what is too large, and the limit.
    """
    if measured > limit:
        raise OversizeDocumentError(f"{name}: {measured:,} {what}, expected at most {limit:,}")
