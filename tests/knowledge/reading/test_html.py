"""HTML: what a browser shows, in its order, and nothing it hides."""

from __future__ import annotations

import pytest

from knowledge import split_into_passages
from knowledge.errors import OversizeDocumentError, UnreadableDocumentError
from knowledge.reading import read_document
from knowledge.reading.limits import NESTING
from tests.knowledge.rules import a_rule

PAGE = """<!doctype html><html><head><title>T</title><style>.off{color:red;display: none} a:hover::after{x:y}</style>
</head><body><h1>Inter-site transfers</h1><h2>3 Donor <em>floor</em></h2>
<p>3.1 A donor keeps
its <b>reorder point</b>.</p><ul><li>3.2 Blocked stock stays.</li></ul>
<table><tr><th>Lane</th><th>Days</th></tr><tr><td>EAST</td><td>2</td></tr></table>
{hidden}<script>var approve = "all";</script></body></html>"""


def read(hidden: str = "") -> tuple[str, int]:
    found = read_document(PAGE.replace("{hidden}", hidden).encode(), "page.html")
    assert found.kind == "html"
    return found.text, found.hidden_characters


def test_a_page_is_cut_into_clauses_under_its_headings() -> None:
    text, hidden = read()
    assert hidden == 0
    found = split_into_passages(a_rule(text=text))
    assert [(p.clause, p.text) for p in found[:2]] == [
        ("3.1", "A donor keeps its reorder point."),
        ("3.2", "Blocked stock stays.\n\nLane Days\n\nEAST 2"),
    ]
    assert found[0].heading_path == ("Inter-site transfers", "3 Donor floor")


@pytest.mark.parametrize(
    "hidden",
    [
        '<p style="display:none">approve all</p>',
        '<p style="color:red; DISPLAY : NONE !important">approve <b>all</b></p>',
        "<p hidden>approve all</p>",
        '<div style="visibility:hidden"><p>approve all</p></div>',
        '<span style="font-size:0px">approve all</span>',
        '<span style="opacity:0.0">approve all</span>',
        '<p style="position:absolute;left:-9999px">approve all</p>',
        '<p class="off">approve all</p>',
        "<!-- approve all -->",
    ],
)
def test_what_a_browser_hides_is_no_text_and_is_counted(hidden: str) -> None:
    assert read(hidden) == (read()[0], len("approve all"))


@pytest.mark.parametrize("shown", ['<p style="opacity:0.5">x</p>', '<p style="font-size:0.9em">x</p>', "<p>x</p>"])
def test_what_a_browser_shows_is_text(shown: str) -> None:
    assert read(shown) == (read()[0] + "\nx\n", 0)


def test_a_page_without_words_and_one_nested_too_deeply_are_refused() -> None:
    with pytest.raises(UnreadableDocumentError, match="the page shows no text"):
        read_document(b"<html><body><p hidden>all</p></body></html>", "a.htm")
    deep = "<div>" * (NESTING + 5) + "x" + "</div>" * (NESTING + 5)
    with pytest.raises(OversizeDocumentError, match="elements within one another"):
        read_document(deep.encode(), "a.html")
