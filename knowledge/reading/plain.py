"""Plain text: headings are recognised by their form, since nothing marks them.

A heading is a line alone that is numbered as the next chapter ("3 Donor floor"), underlined, or in capitals. It is
short and does not end like a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from knowledge.errors import UnreadableDocumentError
from knowledge.reading.limits import CHARACTERS, within
from knowledge.reading.written_text import WrittenText

LONGEST_HEADING = 80

_CHAPTER = re.compile(r"(?:(?:chapter|section|part)\s+)?(\d{1,2})[.):]?\s+([^\W\d_].*)", re.IGNORECASE)
_UNDERLINE = re.compile(r"(=|-){3,}\1*")
_SENTENCE_END = (".", ",", ";", ":")


def read_plain(content: bytes, name: str) -> WrittenText:
    """Text of a plain file in UTF-8.

    Raises
    ------
    UnreadableDocumentError
        If it is in another encoding or holds no text.
    """
    return WrittenText(with_headings(decoded(content, name).splitlines()), "plain")


def read_markdown(content: bytes, name: str) -> WrittenText:
    """Text of a Markdown file in UTF-8, as it stands."""
    return WrittenText(decoded(content, name), "markdown")


def decoded(content: bytes, name: str) -> str:
    """A file's UTF-8 text, line ends made one kind."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableDocumentError(f"{name}: not UTF-8 text (byte {error.start})") from error
    if "\0" in text:
        raise UnreadableDocumentError(f"{name}: holds zero bytes, so it is not text")
    within(len(text), CHARACTERS, "characters", name)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def with_headings(lines: Iterable[str]) -> str:
    """Lines as Markdown: those that look like headings become headings."""
    return "\n".join(_marked([line.strip() for line in lines])) + "\n"


def _marked(lines: list[str]) -> Iterator[str]:
    chapter, skip = 0, False
    for place, line in enumerate(lines):
        if skip:
            skip = False
            continue
        before = lines[place - 1] if place else ""
        after = lines[place + 1] if place + 1 < len(lines) else ""
        numbered = _CHAPTER.fullmatch(line)
        if line and _UNDERLINE.fullmatch(after) and _short(line):
            skip = True
            yield from ("", f"# {line}", "")
        elif numbered and int(numbered[1]) == chapter + 1 and _short(line) and numbered[2][0].isupper():
            chapter += 1
            yield from ("", f"## {line}", "")
        elif not before and not after and line.isupper() and _short(line):
            yield from ("", f"## {line}", "")
        else:
            yield line


def _short(line: str) -> bool:
    return len(line) <= LONGEST_HEADING and not line.endswith(_SENTENCE_END)
