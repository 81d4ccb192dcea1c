"""Files of five kinds to one kind of text: Markdown with headings, which is then split into clauses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from knowledge.errors import UnreadableDocumentError
from knowledge.reading.limits import BYTES, within
from knowledge.reading.written_text import WrittenText

__all__ = ["KINDS", "WrittenText", "read_document"]

KINDS = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "plain",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".docx": "docx",
}
"""Kind of a document by the end of its file's name."""


def read_document(content: bytes, name: str) -> WrittenText:
    """The text of a document's file.

    Parameters
    ----------
    content
        The file as it is.
    name
        Its name, whose end says the kind; it stands in error messages.

    Raises
    ------
    UnreadableDocumentError
        If the kind is unknown, or the file is not of that kind, is damaged or locked, or holds no text.
    OversizeDocumentError
        If a limit of :mod:`knowledge.reading.limits` is passed.
    """
    kind = KINDS.get(PurePath(name).suffix.lower())
    if kind is None:
        raise UnreadableDocumentError(f"{name}: expected a file that ends in {', '.join(KINDS)}")
    within(len(content), BYTES, "bytes", name)
    found = _reader(kind)(content, name)
    if not found.text.strip():
        raise UnreadableDocumentError(f"{name}: no text in it")
    return found


def _reader(kind: str) -> Callable[[bytes, str], WrittenText]:
    """The reader of a kind, imported when first needed: each brings a library of its own."""
    if kind == "html":
        from knowledge.reading.html import read_html

        return read_html
    if kind == "pdf":
        from knowledge.reading.pdf import read_pdf

        return read_pdf
    if kind == "docx":
        from knowledge.reading.docx import read_docx

        return read_docx
    from knowledge.reading.plain import read_markdown, read_plain

    return read_plain if kind == "plain" else read_markdown
