"""DOCX: paragraphs and table rows in reading order, with the clause numbers Word would show.

Text marked as hidden ("vanish"), by itself or by its style, is left out and counted; so is text that a tracked change
has deleted.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from docx import Document
from docx.opc.exceptions import OpcError
from lxml.etree import LxmlError  # type: ignore[import-untyped]  # no types shipped

from knowledge.errors import UnreadableDocumentError
from knowledge.reading.docx_numbering import Numbering
from knowledge.reading.docx_xml import found, value
from knowledge.reading.limits import CHARACTERS, PARTS, UNPACKED_BYTES, within
from knowledge.reading.written_text import WrittenText

_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_UNSOUND = (
    *(zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, OpcError, LxmlError),
    *(LookupError, ValueError, AttributeError, TypeError, AssertionError, RuntimeError),
)
"""What the libraries below raise where a file breaks its structure, Python's own errors among it."""
_PRINTED = {"tab": " ", "br": " ", "cr": " ", "noBreakHyphen": "-"}


def read_docx(content: bytes, name: str) -> WrittenText:
    """Text of a DOCX file.

    Raises
    ------
    UnreadableDocumentError
        If it is damaged or holds no text.
    OversizeDocumentError
        If it unpacks to more than a rule book can be.
    """
    try:
        _check_archive(content, name)
        reader = _Reader(Document(io.BytesIO(content)))
        blocks = [block for block in reader.blocks() if block.strip()]
    except _UNSOUND as error:
        raise UnreadableDocumentError(f"{name}: not a sound DOCX file ({error})") from error
    text = "\n\n".join(blocks) + "\n"
    if not blocks:
        raise UnreadableDocumentError(f"{name}: no text in it")
    within(len(text), CHARACTERS, "characters", name)
    return WrittenText(text, "docx", reader.hidden)


def _check_archive(content: bytes, name: str) -> None:
    """Refuse what unpacks to too much, by what its parts really hold and not by what its index says."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
        within(len(parts), PARTS, "parts", name)
        unpacked = 0
        for part in parts:
            with archive.open(part) as stream:
                while block := stream.read(1 << 20):
                    unpacked += len(block)
                    within(unpacked, UNPACKED_BYTES, "bytes unpacked", name)


class _Reader:
    """Walks the body of a document; ``hidden`` counts the characters left out so far."""

    def __init__(self, document: Any) -> None:
        self._body = document.element.body
        self._styles = {style.style_id: style for style in document.styles}
        self._numbering = Numbering(document)
        self.hidden = 0

    def blocks(self) -> Iterator[str]:
        """Paragraphs, and each row of a table as one block, in reading order."""
        row, cells = None, list[str]()
        for paragraph in found(self._body, ".//w:p[not(ancestor::*[local-name()='Fallback'])]"):
            inside = found(paragraph, "ancestor::w:tr")
            if row is not None and (not inside or inside[0] is not row):
                yield " | ".join(cells)
                row, cells = None, []
            text = self._paragraph(paragraph, heading=not inside)
            if not inside:
                yield text
            else:
                row = inside[0]
                cells += [text] if text.strip() else []
        yield " | ".join(cells)

    def _paragraph(self, paragraph: Any, *, heading: bool) -> str:
        style = self._styles.get(value(paragraph, "./w:pPr/w:pStyle/@w:val"))
        text = " ".join("".join(self._runs(paragraph, style)).split())
        label = self._numbering.label(paragraph, style)
        if not text:
            return ""
        level = _HEADING.fullmatch(style.name or "") if style is not None else None
        marks = "#" * min(int(level[1]) + 1, 6) if level else "#" if style is not None and style.name == "Title" else ""
        return " ".join(part for part in (marks if heading else "", label, text) if part)

    def _runs(self, paragraph: Any, style: Any) -> Iterator[str]:
        by_style = _vanishes_by_style(style)
        for run in found(paragraph, ".//w:r"):
            if found(run, "ancestor::w:p[1]")[0] is not paragraph:
                continue  # of a text box, which is a paragraph of its own
            self.hidden += sum(len(text) for text in found(run, "./w:delText/text()"))
            text = "".join(_printed(child) for child in run)
            own = found(run, "./w:rPr/w:vanish")
            named = self._styles.get(value(run, "./w:rPr/w:rStyle/@w:val"))
            if _on(own[0]) if own else by_style or _vanishes_by_style(named):
                self.hidden += len(text)
            else:
                yield text


def _printed(element: Any) -> str:
    kind = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
    return element.text or "" if kind == "t" else _PRINTED.get(kind, "")


def _vanishes_by_style(style: Any) -> bool:
    seen: set[str] = set()
    while style is not None and style.style_id not in seen:
        seen.add(style.style_id)
        marks = found(style.element, "./w:rPr/w:vanish")
        if marks:
            return _on(marks[0])
        style = getattr(style, "base_style", None)
    return False


def _on(switch: Any) -> bool:
    """Whether an on/off element of Word is on: it is unless it says no."""
    return not found(switch, "./@w:val[.='0' or .='false' or .='off']")
