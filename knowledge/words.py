"""Text as words: the one reading shared by the ranking and by the built-in embedding."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from snowballstemmer.english_stemmer import EnglishStemmer  # type: ignore[import-untyped]  # no types shipped

_WORD = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"['\u2019]s\b")

_STOP_WORDS = """
    a about above after again all also am an and any are as at be because been before being both but by can could did
    do does doing done down during each either else for from had has have having he her here him his how i if in into
    is it its just let may me might more most must my no nor not now of off on once one only or our out over own s same
    shall she should so some such t than that the their them then there these they this those through to too under
    until up us very was we were what when where which while who whom whose why will with would you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())

_EVERYDAY_WORDS = """
    actually already always another anybody anything away back bad big come comes came different even ever everybody
    everything few fine first get gets go goes going gone good got happen happened happens keep kind know knows last
    later like likes little long look looked looks lot lots made make makes many much need needed needs never new next
    nobody nothing old other others please quite rather really right said saw say says see seen simply somebody somehow
    something soon sort still sure take takes tell thanks thing things think today tomorrow took tried tries try trying
    use used using want wanted wants way ways well went yesterday yet
"""
EVERYDAY_WORDS = frozenset(_EVERYDAY_WORDS.split())
"""Words that questions are full of and procedures are not: rare in a rule book, and yet they say little."""


def tokens(text: str) -> list[str]:
    """Words of a text in order, case folded; hyphens, underscores and a possessive s taken apart from them."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(_POSSESSIVE.sub(" ", folded))


def words(text: str) -> list[str]:
    """Stems of a text in order, stop words dropped."""
    return [stem(token) for token in tokens(text) if token not in STOP_WORDS]


@lru_cache(maxsize=65_536)
def stem(token: str) -> str:
    """The English stem of a word in lower case.

    Source
    ------
    Porter (2001), "Snowball: a language for stemming algorithms"; the second English stemmer ("Porter2").
    """
    # The pure Python one, as a compiled one may be of another version; a new one each time, as it keeps state while it
    # works and several threads may ask.
    stemmed: str = EnglishStemmer().stemWord(token)
    return stemmed
