"""Plain text and Markdown: headings told from sentences, and what is not text refused."""

from __future__ import annotations

import pytest

from knowledge import split_into_passages
from knowledge.errors import OversizeDocumentError, UnreadableDocumentError
from knowledge.reading import read_document
from knowledge.reading.limits import BYTES, CHARACTERS
from tests.knowledge.rules import a_rule

PLAIN = """\
INTER-SITE TRANSFERS

1 Purpose
1.1 Every movement between two sites is a transfer. It takes
3 days at most.
1.2 Returns are none.

2. Donor floor

2.1 A donor keeps its reorder point.

Annex
=====

The list of lanes.
"""


def test_a_plain_file_is_cut_into_clauses_under_its_headings() -> None:
    text = read_document(PLAIN.encode(), "transfers.txt").text
    found = split_into_passages(a_rule(text=text))
    assert [(p.clause, p.heading_path[-1], p.text) for p in found] == [
        ("1.1", "1 Purpose", "Every movement between two sites is a transfer. It takes\n3 days at most."),
        ("1.2", "1 Purpose", "Returns are none."),
        ("2.1", "2. Donor floor", "A donor keeps its reorder point."),
        ("p1", "Annex", "The list of lanes."),
    ]


def test_markdown_stands_as_it_is_but_for_its_line_ends() -> None:
    found = read_document("\ufeff# Title\r\n\r\n1.1 A clause.\r".encode(), "rule.MD")
    assert (found.text, found.kind, found.hidden_characters) == ("# Title\n\n1.1 A clause.\n", "markdown", 0)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"caf\xe9", "a.txt", r"a\.txt: not UTF-8 text \(byte 3\)"),
        (b"a\0b", "a.md", "zero bytes"),
        (b" \n", "a.md", "no text in it"),
        (b"x", "a.exe", r"expected a file that ends in \.md"),
        (b"x", "noext", "expected a file that ends in"),
    ],
)
def test_what_is_no_text_is_refused(content: bytes, name: str, message: str) -> None:
    with pytest.raises(UnreadableDocumentError, match=message):
        read_document(content, name)


@pytest.mark.parametrize(("size", "what"), [(BYTES + 1, "bytes"), (CHARACTERS + 1, "characters")])
def test_what_is_too_large_is_refused(size: int, what: str) -> None:
    with pytest.raises(OversizeDocumentError, match=f"{size:,} {what}, expected at most"):
        read_document(b"a" * size, "a.txt")
