"""The numbers Word puts before paragraphs of its lists, which stand nowhere in their text.

Source
------
ECMA-376, part 1, section 17.9 (Numbering): an instance (``w:num``) points to a definition (``w:abstractNum``), whose
levels have a start, a format and a pattern such as ``%1.%2``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from knowledge.reading.docx_xml import found, value

_PLACE = re.compile(r"%([1-9])")
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"))
_ROMAN_SMALL = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


class Numbering:
    """Counts the lists of one document; ask for its paragraphs once each, in reading order."""

    def __init__(self, document: Any) -> None:
        self._definition: dict[str, str] = {}
        self._levels: dict[tuple[str, int], tuple[int, str, str]] = {}
        self._counts: defaultdict[str, dict[int, int]] = defaultdict(dict)
        for part in document.part.package.iter_parts():
            if str(part.partname) == "/word/numbering.xml":
                self._read(part.element)

    def label(self, paragraph: Any, style: Any) -> str:
        """The number before a paragraph; empty where it has none, or a bullet."""
        instance, level = _asked(found(paragraph, "./w:pPr/w:numPr"))
        seen: set[str] = set()
        while instance is None and style is not None and style.style_id not in seen:
            seen.add(style.style_id)
            instance, level = _asked(found(style.element, "./w:pPr/w:numPr"))
            style = getattr(style, "base_style", None)
        definition = self._definition.get(instance or "")
        if definition is None or (definition, level) not in self._levels:
            return ""
        counts = self._counts[definition]
        counts[level] = counts.get(level, self._levels[definition, level][0] - 1) + 1
        for deeper in [each for each in counts if each > level]:
            del counts[deeper]
        return self._shown(definition, level)

    def _read(self, numbering: Any) -> None:
        for definition in found(numbering, "./w:abstractNum"):
            key = value(definition, "./@w:abstractNumId")
            for level in found(definition, "./w:lvl"):
                start = value(level, "./w:start/@w:val")
                self._levels[key, int(value(level, "./@w:ilvl"))] = (
                    int(start) if start.isdecimal() else 1,
                    value(level, "./w:numFmt/@w:val") or "decimal",
                    value(level, "./w:lvlText/@w:val"),
                )
        for instance in found(numbering, "./w:num"):
            key = value(instance, "./@w:numId")
            self._definition[key] = value(instance, "./w:abstractNumId/@w:val")

    def _shown(self, definition: str, level: int) -> str:
        _, form, pattern = self._levels[definition, level]
        if form in ("bullet", "none"):
            return ""

        def number(match: re.Match[str]) -> str:
            above = int(match[1]) - 1
            start, its_form, _ = self._levels.get((definition, above), (1, "decimal", ""))
            return _written(self._counts[definition].get(above, start), its_form)

        return _PLACE.sub(number, pattern)


def _asked(properties: list[Any]) -> tuple[str | None, int]:
    """Instance and level that number properties name; no instance where they name none."""
    if not properties:
        return None, 0
    level = value(properties[0], "./w:ilvl/@w:val")
    return value(properties[0], "./w:numId/@w:val") or None, int(level) if level.isdecimal() else 0


def _written(number: int, form: str) -> str:
    if form in ("lowerLetter", "upperLetter") and number >= 1:
        letter = chr(ord("a") + (number - 1) % 26) * (1 + (number - 1) // 26)
        return letter if form == "lowerLetter" else letter.upper()
    if form in ("lowerRoman", "upperRoman") and number >= 1:
        roman = ""
        for value, sign in (*_ROMAN, *_ROMAN_SMALL):
            roman += sign * (number // value)
            number %= value
        return roman if form == "lowerRoman" else roman.upper()
    return str(number)
