"""HTML: headings, paragraphs, list items and table rows; what a browser would not show is left out and counted.

Hidden is an element with the ``hidden`` attribute, with a style that hides it (its own, or a rule of the page's style
sheet), and every comment. Text in the colour of its background is not recognised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bs4 import BeautifulSoup
from bs4.element import Comment, NavigableString, Tag
from soupsieve import SelectorSyntaxError

from knowledge.errors import UnreadableDocumentError
from knowledge.reading.limits import CHARACTERS, NESTING, within
from knowledge.reading.written_text import WrittenText

_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0?\.?0+(?![.\d])"
    r"|font-size\s*:\s*0+(?![.\d])|(?:left|top|text-indent)\s*:\s*-\d{3,}",
    re.IGNORECASE,
)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SILENT = frozenset({"script", "style", "template", "noscript", "head", "svg", "iframe", "object"})
_INLINE_WORDS = """
    a abbr b bdi bdo cite code data del dfn em font i ins kbd label mark q s samp small span strong sub sup time tt u
    var wbr
"""
_INLINE = frozenset(_INLINE_WORDS.split())
_SPACE = re.compile(r"\s+")


def read_html(content: bytes, name: str) -> WrittenText:
    """Text of an HTML page.

    Raises
    ------
    UnreadableDocumentError
        If the page shows no text.
    OversizeDocumentError
        If its elements are nested too deeply or its text is too long.
    """
    page = BeautifulSoup(content, "lxml")
    reader = _Reader(name, _hidden_by_sheet(page))
    reader.read(page, 0)
    text = reader.markdown()
    if not text.strip():
        raise UnreadableDocumentError(f"{name}: the page shows no text")
    within(len(text), CHARACTERS, "characters", name)
    return WrittenText(text, "html", reader.hidden)


def _hidden_by_sheet(page: BeautifulSoup) -> set[int]:
    """Elements that a rule of the page's own style sheet hides, by identity."""
    found: set[int] = set()
    for sheet in page.find_all("style"):
        for selector, declarations in _RULE.findall(_COMMENT.sub("", sheet.get_text())):
            if _HIDING.search(declarations):
                found.update(_selected(page, selector.strip()))
    return found


def _selected(page: BeautifulSoup, selector: str) -> Iterator[int]:
    try:
        yield from (id(element) for element in page.select(selector))
    except SelectorSyntaxError:
        return  # such as ":hover::after" or an at-rule: it selects no element of the page as it is first shown


@dataclass
class _Reader:
    """Walks a page in reading order and gathers blocks of text."""

    name: str
    hidden_by_sheet: set[int]
    hidden: int = 0
    blocks: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        self._end_block("")
        return "\n\n".join(self.blocks) + "\n"

    def read(self, element: Tag, depth: int, prefix: str = "") -> None:
        within(depth, NESTING, "elements within one another", self.name)
        for child in element.children:
            if isinstance(child, Comment):
                self.hidden += len(child.strip())
            elif type(child) is NavigableString:
                self.line.append(str(child))
            elif isinstance(child, Tag):
                self._read_element(child, depth, prefix)

    def _read_element(self, element: Tag, depth: int, prefix: str) -> None:
        if element.name in _SILENT:
            return
        if self._is_hidden(element):
            self.hidden += len(_SPACE.sub(" ", element.get_text()).strip())
        elif element.name == "br":
            self._end_block(prefix)
        elif element.name in _INLINE:
            self.read(element, depth + 1, prefix)
        elif element.name in ("td", "th"):
            self.line.append(" ")
            self.read(element, depth + 1, prefix)
            self.line.append(" ")
        else:
            self._end_block(prefix)
            level = re.fullmatch(r"h([1-6])", element.name)
            inner = f"{'#' * int(level[1])} " if level else prefix
            self.read(element, depth + 1, inner)
            self._end_block(inner)

    def _is_hidden(self, element: Tag) -> bool:
        return (
            element.has_attr("hidden")
            or id(element) in self.hidden_by_sheet
            or _HIDING.search(str(element.get("style", ""))) is not None
        )

    def _end_block(self, prefix: str) -> None:
        text = _SPACE.sub(" ", "".join(self.line)).strip()
        self.line.clear()
        if text:
            self.blocks.append(prefix + text)
