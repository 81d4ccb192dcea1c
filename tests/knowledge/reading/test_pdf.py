"""PDF: pages in order without their running lines; locked, damaged and scanned files refused."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from fpdf import FPDF
from pypdf import PdfReader, PdfWriter

from knowledge import split_into_passages
from knowledge.errors import OversizeDocumentError, UnreadableDocumentError
from knowledge.reading import read_document
from knowledge.reading.limits import PAGES
from tests.knowledge.rules import a_rule


def a_pdf(*pages: Sequence[str]) -> bytes:
    """A file with a line of text after the other on each page."""
    pdf = FPDF()
    pdf.set_font("helvetica", size=11)
    for page in pages:
        pdf.add_page()
        for line in page:
            pdf.cell(0, 8, line, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


def test_pages_become_clauses_without_their_running_lines() -> None:
    bodies = [
        ["1 Purpose", "1.1 Every movement between two sites", "is a transfer."],
        ["1.2 Returns are none.", "2 Donor floor"],
        ["2.1 A donor keeps its reorder point."],
    ]
    pages = [["SOP Transfers", *body, f"page {n} of 3"] for n, body in enumerate(bodies, start=1)]
    found = read_document(a_pdf(*pages), "sop.pdf")
    assert found.kind == "pdf"
    assert [(p.clause, p.heading_path, p.text) for p in split_into_passages(a_rule(text=found.text))] == [
        ("1.1", ("1 Purpose",), "Every movement between two sites\nis a transfer."),
        ("1.2", ("1 Purpose",), "Returns are none."),
        ("2.1", ("2 Donor floor",), "A donor keeps its reorder point."),
    ]


def test_a_scan_a_locked_and_a_damaged_file_are_refused() -> None:
    with pytest.raises(UnreadableDocumentError, match="no text in it; a scan"):
        read_document(a_pdf([]), "scan.pdf")
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(a_pdf(["1.1 A clause."]))))
    writer.encrypt("secret", algorithm="RC4-128")
    locked = io.BytesIO()
    writer.write(locked)
    with pytest.raises(UnreadableDocumentError, match="locked by a password"):
        read_document(locked.getvalue(), "locked.pdf")
    for content in (b"no pdf", b"%PDF-1.7\nnonsense", a_pdf(["1.1 A clause."])[:200]):
        with pytest.raises(UnreadableDocumentError, match="not a sound PDF file"):
            read_document(content, "bad.pdf")


def test_a_file_of_too_many_pages_is_refused() -> None:
    writer = PdfWriter()
    for _ in range(PAGES + 1):
        writer.add_blank_page(100, 100)
    long = io.BytesIO()
    writer.write(long)
    with pytest.raises(OversizeDocumentError, match=f"{PAGES + 1} pages"):
        read_document(long.getvalue(), "long.pdf")
