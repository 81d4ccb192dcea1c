"""Text as words: the one reading shared by the embedding and by BM25."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")

_STOP_WORDS = """
    a an and any are as at be been but by can for from had has have if in into is it its may more must no nor not of
    on or our shall should such than that the their them then there these they this those to under up was we were
    what when where which while who whose will with would you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


def words(text: str) -> list[str]:
    """Words of a text in order: case and plural folded, stop words dropped, hyphens and underscores taken apart."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [_singular(word) for word in _WORD.findall(folded) if word not in STOP_WORDS]


def _singular(word: str) -> str:
    """A plural folded by the three rules of the S stemmer.

    Source
    ------
    Harman (1991), "How effective is suffixing?", *Journal of the American Society for Information Science* 42(1).
    """
    if len(word) < 4 or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return word if word.endswith(("eies", "aies")) else word[:-3] + "y"
    if word.endswith("es"):
        return word if word.endswith(("aes", "ees", "oes")) else word[:-1]
    return word if word.endswith(("us", "ss")) else word[:-1]
