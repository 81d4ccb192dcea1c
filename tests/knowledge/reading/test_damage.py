"""Whatever bytes a file holds, reading it gives text or one of our own errors."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias

import pytest
from docx import Document

from knowledge.errors import UnreadableDocumentError
from knowledge.reading import read_document
from tests.knowledge.reading.test_docx import saved
from tests.knowledge.reading.test_html import PAGE
from tests.knowledge.reading.test_pdf import a_pdf


def a_docx() -> bytes:
    document = Document()
    document.add_heading("Floor", 1)
    document.add_paragraph("1.1 A donor keeps.", style="List Number")
    return saved(document)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Some bytes of a file changed."""
    changed = bytearray(content)
    for _ in range(chance.choice([1, 4, 40])):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def damaged_inside(content: bytes, chance: random.Random) -> bytes:
    """A sound archive with one damaged part."""
    archive = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(archive, "w") as new:
        victim = chance.choice([part.filename for part in old.infolist() if part.filename.endswith(".xml")])
        for part in old.infolist():
            held = old.read(part)
            new.writestr(part.filename, damaged(held, chance) if part.filename == victim else held)
    return archive.getvalue()


Harm: TypeAlias = Callable[[bytes, random.Random], bytes]


@pytest.mark.parametrize(
    ("name", "sound", "harm"),
    [
        ("a.pdf", a_pdf(["1 Floor", "1.1 A donor keeps."]), damaged),
        ("a.docx", a_docx(), damaged),
        ("a.docx", a_docx(), damaged_inside),
        ("a.html", PAGE.encode(), damaged),
    ],
    ids=["pdf", "docx", "part of a docx", "html"],
)
def test_a_file_with_damaged_bytes_is_read_or_refused(name: str, sound: bytes, harm: Harm) -> None:
    chance = random.Random(20240408)
    assert "donor" in read_document(sound, name).text.lower()
    for _ in range(40):
        with suppress(UnreadableDocumentError):
            assert read_document(harm(sound, chance), name).text.strip()
