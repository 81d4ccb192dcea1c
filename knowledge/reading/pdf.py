"""PDF: the text of its pages in order, without what stands at the top or the foot of most of them.

A page that is a picture has no text; a document of such pages is refused rather than read as empty.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterator

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from knowledge.errors import UnreadableDocumentError
from knowledge.reading.limits import CHARACTERS, PAGES, within
from knowledge.reading.plain import with_headings
from knowledge.reading.written_text import WrittenText

EDGE_LINES = 2
"""Lines at the top and at the foot of a page where a running title or a page number is looked for."""

_UNSOUND = (
    *(PyPdfError, zlib.error, struct.error, OSError, EOFError),
    *(ArithmeticError, LookupError, ValueError, AttributeError, TypeError, AssertionError, RuntimeError),
)
"""What pypdf raises where a file breaks its structure, Python's own errors among it."""
_DIGITS = re.compile(r"\d+")


def read_pdf(content: bytes, name: str) -> WrittenText:
    """Text of a PDF file.

    Raises
    ------
    UnreadableDocumentError
        If it is damaged, locked by a password, or holds no text.
    OversizeDocumentError
        If it has too many pages or too much text.
    """
    pages = [page.splitlines() for page in _pages(content, name)]
    running = _running(pages)
    lines = [line for page in pages for line in _without(page, running)]
    if not any(line.strip() for line in lines):
        raise UnreadableDocumentError(f"{name}: no text in it; a scan has to be turned into text first")
    return WrittenText(with_headings(lines), "pdf")


def _pages(content: bytes, name: str) -> Iterator[str]:
    characters = 0
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableDocumentError(f"{name}: locked by a password")
        within(len(reader.pages), PAGES, "pages", name)
        for page in reader.pages:
            text = page.extract_text()
            characters += len(text)
            within(characters, CHARACTERS, "characters", name)
            yield text
    except _UNSOUND as error:
        raise UnreadableDocumentError(f"{name}: not a sound PDF file ({error})") from error


def _running(pages: list[list[str]]) -> set[str]:
    """Lines at the edges, figures left out, that stand on more than half of the pages, three at least."""
    seen = Counter(line for page in pages for line in {_DIGITS.sub("#", page[place]) for place in _edges(page)})
    return {line for line, count in seen.items() if count >= 3 and count > len(pages) / 2}


def _without(page: list[str], running: set[str]) -> list[str]:
    edges = _edges(page)
    return [line for place, line in enumerate(page) if place not in edges or _DIGITS.sub("#", line) not in running]


def _edges(page: list[str]) -> set[int]:
    filled = [place for place, line in enumerate(page) if line.strip()]
    return {*filled[:EDGE_LINES], *filled[-EDGE_LINES:]}
