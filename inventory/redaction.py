"""Secrets taken out of words before they are kept: what is known to be one, and what has the form of one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

HIDDEN = "[secret]"
SHORTEST = 6
"""Characters of a known secret; a shorter one would take ordinary words away."""
_FORMS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:ek_|sk-|pk-|gh[pousr]_|github_pat_|xox[abprs]-|glpat-)[A-Za-z0-9_\-]{8,}"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*)?"
    r"|(?<=[Bb]earer )[A-Za-z0-9._~+/=\-]{8,}"
    r"|(?<=://)[^\s:/@]*:[^\s/@]+(?=@)",
    re.DOTALL,
)
_NAMED = re.compile(
    r"(\b(?:pass(?:word|wd|phrase)?|pwd|secret|api[ _-]?key|access[ _-]?key|token)\b[\"']?\s*(?:is\s*:?|[:=])\s*[\"']?)"
    r"(?!\[secret\])[^\s\"',;]{4,}",
    re.IGNORECASE,
)


def redacted(words: str, known: Iterable[str] = ()) -> str:
    """The words with every secret replaced by ``[secret]``; doing it again changes nothing.

    Parameters
    ----------
    known
        Secrets of this house, by value: keys, tokens, passwords. They are found as they are and as JSON writes them.
    """
    for secret in sorted({each for each in known if len(each) >= SHORTEST}, key=lambda each: (-len(each), each)):
        for form in (secret, json.dumps(secret)[1:-1]):
            words = words.replace(form, HIDDEN)
    words = _FORMS.sub(HIDDEN, words)
    return _NAMED.sub(lambda found: found.group(1) + HIDDEN, words)
