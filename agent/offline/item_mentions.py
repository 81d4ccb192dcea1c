"""Items by the words of their names and by their bare numbers: ``sanding disc 320``, ``clamps 72``, ``10447``."""

from __future__ import annotations

import re

from agent.offline import words
from agent.offline.directory import Directory
from agent.offline.reading import TOKEN, Reading, choices_of
from tools.capabilities.names import Names

_ITEM_WORD = re.compile(r"(?:item|part|sku|article|material|product)(?: number| no\.?)? $")


def read_items(reading: Reading, directory: Directory) -> None:
    """Items by words of their names and by their bare numbers."""
    tokens = [match for match in TOKEN.finditer(reading.text) if reading.free(*match.span())]
    at = 0
    while at < len(tokens):
        run, said = _item_run(tokens[at:], reading.text, directory)
        if said:
            _take_item(reading, directory.names, run, said)
        at += max(1, len(run))
    for match in TOKEN.finditer(reading.text):
        if match.group().isdigit() and reading.free(*match.span()):
            _bare_number(reading, directory.names, match)


def _item_run(tokens: list[re.Match[str]], text: str, directory: Directory) -> tuple[list[re.Match[str]], list[str]]:
    """Words of names one after the other, up to the first number, and how they are spelled."""
    run: list[re.Match[str]] = []
    said: list[str] = []
    for match in tokens:
        if run and text[run[-1].end() : match.start()] not in (" ", "-", " #", " no ", " nr "):
            break
        number = match.group().isdigit()
        word = match.group() if number else directory.word("item", match.group())
        if not word or (number and not run):
            break
        run.append(match)
        said.append(word)
        if number:
            break
    return run, said


def _take_item(reading: Reading, names: Names, run: list[re.Match[str]], said: list[str]) -> None:
    """A run is an item with a number, with two words of one name, or with one word that is used for nothing else."""
    letters = [word for word in said if not word.isdigit()]
    start, end = run[0].start(), run[-1].end()
    plain = words.PLAIN_IN_NAMES | words.vocabulary()
    telling = [word for word in letters if word not in plain]
    if len(said) == len(letters):
        adjacent = len(letters) > 1 and any(
            " ".join(letters) in name.casefold() for name in _names_with(names, letters[0])
        )
        whole = len(letters) == 1 and any(
            re.sub(r"[\W\d_]", "", name.casefold()) == letters[0] for name in _names_with(names, letters[0])
        )
        named = whole and _is_meant(reading.text, start)
        if not (telling or adjacent or named):
            return
    elif not letters:
        return
    found = names.look_up("item", " ".join(said))
    if found.best is not None:
        reading.add("ITEM", start, end, id=found.best.id)
    elif found.ambiguous:
        reading.add("ITEM", start, end, choices=choices_of(found), unit="many" if found.more else "")
    elif len(said) != len(letters):
        reading.add("ITEM", start, end)


def _names_with(names: Names, word: str) -> list[str]:
    index = names.indexes["item"]
    return [index.names[place] for place in index.by_word.get(word, [])]


def _is_meant(text: str, start: int) -> bool:
    """A plain word such as *level* or *clamp* names an item after *the* or *any*, and not inside *service level*."""
    return bool(re.search(r"\b(?:the|a|any|which|these|those|this|that|how many|of) $", text[:start]))


def _bare_number(reading: Reading, names: Names, match: re.Match[str]) -> None:
    said, text = match.group(), reading.text
    before, after = text[: match.start()], text[match.end() :]
    item_word = _ITEM_WORD.search(before)
    if re.match(r"[.,:]\d|\s?(?:units?|pieces|each|of\b|more\b|eur|€|%|or more)", after) or re.search(
        r"[\d][.,]$", before
    ):
        return
    if re.search(r"\b(?:above|over|below|under|than|least|most|to|limit|value) $", before) and not item_word:
        return
    if re.match(r"\s(?:ITEM|[a-z]+-\d)", after) or _item_follows(reading, match.end()):
        return
    place = names.indexes["item"].by_word.get(said)
    if place and (len(said) >= 3 or item_word):
        best = names.look_up("item", said).best
        if best is not None:
            reading.add("ITEM", *match.span(), id=best.id)
    elif len(said) >= 3 and (item_word or re.search(r"\b(?:of|for|about|on) $", before)):
        reading.add("ITEM", *match.span(), choices=choices_of(names.look_up("item", said)))


def _item_follows(reading: Reading, end: int) -> bool:
    return any(m.mark == "ITEM" and 0 < m.start - end <= 1 for m in reading.mentions)
