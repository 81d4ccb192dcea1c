"""What a question names: items, sites, suppliers, roles, days, lengths of time, percentages, money, other numbers.

Every mention is found once and its words are replaced by a mark (``ITEM``, ``SITE``, ``PCT`` …), so that the rules
of the intents see the shape of a sentence and never a word of the data.
"""

from __future__ import annotations

import re
from datetime import date

from agent.offline import words
from agent.offline.dates import days_in
from agent.offline.directory import Directory
from agent.offline.item_mentions import read_items
from agent.offline.numbers import GROWTH, NUMBER, SHARES, as_number, durations_in
from agent.offline.reading import TOKEN, Reading, choices_of
from tools.capabilities.names import GENERIC_WORDS, NameKind

_CASE = re.compile(r"\bcase[- #:]*(?=[0-9a-f]*\d)(?P<id>[0-9a-f]{6,16})\b")
_REFERENCE = re.compile(
    r"\b(?:prop(?:osal)?[- ](?=[0-9a-f]*\d)[0-9a-f]{6,16}|sim-[a-z]{2,3}-\d+|ek-[a-z0-9]{8,32}"
    r"|(?:po|so|tr|mo|to)-\d+)\b"
)
_MONEY = (
    re.compile(rf"(?:€|eur\b|euros?\b|\$|usd\b)\s?(?P<n>{NUMBER})"),
    re.compile(rf"(?P<n>{NUMBER})\s?(?:€|eur\b|euros?\b|\$|usd\b)"),
    re.compile(r"\b(?P<n>\d+(?:[.,]\d+)?\s?(?:k|m|mio|million|thousand|grand))\b"),
    re.compile(r"\b(?P<n>half a million)\b"),
)
_PERCENT = re.compile(rf"(?P<n>[-+]?\s?(?:{NUMBER}))\s?(?:%|percent\b|per cent\b|pct\b|percentage points?\b)")
_SHARE = re.compile(r"\b(?:by )?(?P<w>" + "|".join(sorted((*SHARES, *GROWTH), key=len, reverse=True)) + r")\b")
_BY_SHARE = re.compile(r"\bby (?P<w>" + "|".join(sorted(SHARES, key=len, reverse=True)) + r")\b")
"""*By a quarter* is a share, and no length of time."""
_COMES = re.compile(
    r"\b(?:deliver|ship|sen[dt]|bring|brought|suppl|com|came|arriv|provid|get|got|receiv)\w* (?:\w+ )?$"
)
_NUMBER = re.compile(rf"(?<![\w.-])(?P<n>{NUMBER})(?![\w-])")


def read_mentions(text: str, directory: Directory, today: date, capitals: frozenset[str] = frozenset()) -> Reading:
    """What a folded and corrected text names.

    Parameters
    ----------
    directory
        The company's items, sites and suppliers.
    today
        The day it is said.
    capitals
        Words of it that were written in capitals.
    """
    reading = Reading(text.replace("_", "-"))
    for match in _CASE.finditer(text):
        reading.add("CASE", *match.span(), id=f"case-{match['id']}")
    for match in _REFERENCE.finditer(text):
        said = match.group().replace("proposal ", "prop-").replace("prop ", "prop-")
        reading.add("REF", *match.span(), id=said if said.startswith("prop") else said.upper())
    _ids(reading, directory, capitals)
    for day in days_in(text, today):
        reading.add("DATE", day.start, day.end, day=day)
    for pattern in _MONEY:
        for match in pattern.finditer(text):
            value = 5e5 if match["n"] == "half a million" else as_number(match["n"])
            if value is not None:
                reading.add("MONEY", *match.span(), value=value)
    for match in _PERCENT.finditer(text):
        value = as_number(match["n"].lstrip("+- "))
        if value is not None:
            reading.add("PCT", *match.span(), value=-value if match["n"].startswith("-") else value)
    for match in _BY_SHARE.finditer(text):
        reading.add("PCT", *match.span("w"), value=SHARES[match["w"]], unit="share")
    for start, end, count, unit in durations_in(text):
        reading.add("DUR", start, end, value=count, unit=unit)
    for role, pattern in words.readers("role"):
        for match in pattern.finditer(text):
            reading.add("ROLE", *match.span(), id=role)
    _named(reading, directory, "supplier", "SUPP")
    _named(reading, directory, "site", "SITE")
    read_items(reading, directory)
    _same_site(reading)
    for match in _SHARE.finditer(text):
        said = match["w"]
        if not text[: match.start()].strip():
            continue  # *double the budget* is an order, not a share
        if said in ("nothing", "none") and not _COMES.search(text[: match.start()]):
            continue  # *Larch delivers nothing* is a share, *you propose nothing* is none
        reading.add("PCT", *match.span(), value=SHARES.get(said, GROWTH.get(said, 0.0)), unit="share")
    for match in _NUMBER.finditer(text):
        value = as_number(match["n"])
        if value is not None and match["n"] != "zero":
            reading.add("NUM", *match.span(), value=value)
    return reading


def _ids(reading: Reading, directory: Directory, capitals: frozenset[str]) -> None:
    """Ids written out: in any case, with or without their hyphen; a plain word only in capitals."""
    kinds: tuple[tuple[NameKind, str], ...] = (("item", "ITEM"), ("site", "SITE"), ("supplier", "SUPP"))
    for match in re.finditer(r"(?<![\w-])[a-z]\w*(?:[-_.]\w+)*", reading.text):
        if match.group().isalnum() and match.group() not in capitals:
            continue
        for kind, mark in kinds:
            known = directory.by_id(kind, match.group())
            if known:
                reading.add(mark, *match.span(), id=known)
    prefixes = {known.casefold().split("-")[0] for known in directory.names.ids("item")[:1]}
    for match in re.finditer(r"(?<![\w-])(?P<p>[a-z]{1,4})[- ]?(?P<n>\d{2,})(?![\w-])", reading.text):
        written = f"{match['p']}-{match['n']}"
        known = directory.by_id("item", written)
        if known:
            reading.add("ITEM", *match.span(), id=known)
        elif match["p"] in prefixes:
            reading.add("ITEM", *match.span(), choices=choices_of(directory.names.look_up("item", written)))


def _named(reading: Reading, directory: Directory, kind: NameKind, mark: str) -> None:
    """Runs of words of sites or suppliers: ``the west dc``, ``Fir Instruments``."""
    run: list[re.Match[str]] = []
    for match in TOKEN.finditer(reading.text):
        if not (reading.free(*match.span()) and _known_word(match, directory, kind)):
            continue
        if run and reading.text[run[-1].end() : match.start()] not in (" ", "-"):
            _take(reading, directory, kind, mark, run)
            run = []
        run.append(match)
    _take(reading, directory, kind, mark, run)


def _take(reading: Reading, directory: Directory, kind: NameKind, mark: str, run: list[re.Match[str]]) -> None:
    if not run:
        return
    said = [_known_word(match, directory, kind) for match in run]
    own = [word for word in said if word not in GENERIC_WORDS and word not in words.PLAIN_IN_NAMES]
    start, end = run[0].start(), run[-1].end()
    if not own and (kind != "site" or not _is_one(reading.text, start, run[-1].group())):
        return
    found = directory.names.look_up(kind, " ".join(said))
    if found.best is not None:
        reading.add(mark, start, end, id=found.best.id)
    elif found.ambiguous:
        reading.add(mark, start, end, choices=choices_of(found))


def _same_site(reading: Reading) -> None:
    """*The dc in the west* names one site: a kind of site beside one of that kind adds nothing."""
    known = {mention.id for mention in reading.of("SITE") if mention.id}
    reading.mentions = [m for m in reading.mentions if not (m.mark == "SITE" and not m.id and known & set(m.choices))]


def _known_word(match: re.Match[str], directory: Directory, kind: NameKind) -> str:
    word = match.group()
    return directory.word(kind, words.SITE_SYNONYMS.get(word, word) if kind == "site" else word)


def _is_one(text: str, start: int, last: str) -> bool:
    """Whether a word for a kind of site means one of them: *the plant*, not *plants* or *from plant to shelf*."""
    return last in words.SITE_KINDS and bool(re.search(r"\b(?:the|our|my|this|that|at|in) (?:\w+ )?$", text[:start]))
