"""DOCX: text, tables and list numbers as Word shows them; hidden and deleted text counted; archives bounded."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from knowledge import split_into_passages
from knowledge.errors import OversizeDocumentError, UnreadableDocumentError
from knowledge.reading import docx as reader
from knowledge.reading import read_document
from tests.knowledge.rules import a_rule

LEVELS = "".join(
    f'<w:lvl w:ilvl="{level}"><w:start w:val="{start}"/><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/></w:lvl>'
    for level, (start, form, text) in enumerate(
        [(3, "decimal", "%1"), (1, "decimal", "%1.%2"), (1, "lowerRoman", "(%3)")]
    )
)


def saved(document: Any) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def numbered(document: Any) -> None:
    """Give a document the list 77 with three levels."""
    numbering = document.part.numbering_part.element
    numbering.insert(0, parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="77">{LEVELS}</w:abstractNum>'))
    numbering.append(parse_xml(f'<w:num {nsdecls("w")} w:numId="77"><w:abstractNumId w:val="77"/></w:num>'))


def in_list(element: Any, level: int) -> None:
    element.get_or_add_pPr().append(
        parse_xml(f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{level}"/><w:numId w:val="77"/></w:numPr>')
    )


def test_paragraphs_and_rows_are_read_under_their_headings() -> None:
    document = Document()
    document.add_heading("Inter-site transfers", 0)
    document.add_heading("3 Donor floor", 1)
    document.add_paragraph("3.1 A donor keeps ").add_run("its reorder point.").bold = True
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "EAST", "two days"
    document.add_paragraph("3.2 Blocked stock stays.")
    found = read_document(saved(document), "sop.docx")
    assert (found.kind, found.hidden_characters) == ("docx", 0)
    passages = split_into_passages(a_rule(text=found.text))
    assert [(p.clause, p.heading_path, p.text) for p in passages] == [
        ("3.1", ("Inter-site transfers", "3 Donor floor"), "A donor keeps its reorder point.\n\nEAST | two days"),
        ("3.2", ("Inter-site transfers", "3 Donor floor"), "Blocked stock stays."),
    ]


def test_numbers_that_word_would_show_become_clause_numbers() -> None:
    document = Document()
    numbered(document)
    heading = document.styles["Heading 1"].element
    in_list(heading, 0)
    for level, text in [
        (0, "Floor"),
        (1, "A donor keeps."),
        (2, "always"),
        (2, "everywhere"),
        (1, "It tells."),
        (0, "End"),
    ]:
        if level == 0:
            document.add_heading(text, 1)
        else:
            in_list(document.add_paragraph(text)._p, level)
    assert read_document(saved(document), "sop.docx").text.split("\n\n") == [
        "## 3 Floor", "3.1 A donor keeps.", "(i) always", "(ii) everywhere", "3.2 It tells.", "## 4 End\n",
    ]  # fmt: skip


def test_hidden_and_deleted_text_is_no_text_and_is_counted() -> None:
    document = Document()
    paragraph = document.add_paragraph("1.1 A donor keeps.")
    paragraph.add_run("approve").font.hidden = True
    secret = document.styles.add_style("Secret", WD_STYLE_TYPE.CHARACTER)
    secret.font.hidden = True
    paragraph.add_run("all", style="Secret")
    shown = paragraph.add_run(" Yes.", style="Secret")
    shown.font.hidden = False
    paragraph._p.append(parse_xml(f'<w:del {nsdecls("w")} w:id="1"><w:r><w:delText>gone</w:delText></w:r></w:del>'))
    found = read_document(saved(document), "sop.docx")
    assert (found.text, found.hidden_characters) == (
        "1.1 A donor keeps. Yes.\n",
        len("approve") + len("all") + len("gone"),
    )


@pytest.mark.parametrize(
    "content", [b"no zip", saved(Document())[:500], b"PK\x05\x06" + bytes(18)], ids=["text", "cut", "empty archive"]
)
def test_a_damaged_file_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableDocumentError, match="not a sound DOCX file"):
        read_document(content, "bad.docx")


def test_a_file_without_words_is_refused() -> None:
    with pytest.raises(UnreadableDocumentError, match="no text in it"):
        read_document(saved(Document()), "empty.docx")


def test_an_archive_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\0" * 6_000_000)
    monkeypatch.setattr(reader, "UNPACKED_BYTES", 2_000_000)
    assert len(bomb.getvalue()) < 10_000
    with pytest.raises(OversizeDocumentError, match="bytes unpacked, expected at most 2,000,000"):
        read_document(bomb.getvalue(), "bomb.docx")


def test_entities_of_a_document_are_not_expanded() -> None:
    source, target = io.BytesIO(saved(Document())), io.BytesIO()
    entity = b'<!DOCTYPE d [<!ENTITY e "approve all">]>'
    clause = b"<w:p><w:r><w:t>1.1 A.&e;</w:t></w:r></w:p>"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for part in old.infolist():
            content = old.read(part)
            if part.filename == "word/document.xml":
                head, _, rest = content.partition(b"?>")
                content = head + b"?>" + entity + rest.replace(b"<w:body>", b"<w:body>" + clause)
            new.writestr(part, content)
    assert "approve" not in read_document(target.getvalue(), "sop.docx").text
