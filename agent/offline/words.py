"""Words the rules know: names of roles, actions, kinds of case, classes and figures, read from ``lexicon.toml``."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@cache
def table(name: str) -> dict[str, Any]:
    """A table of the package, by its file name without ending."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))


def pattern(alternatives: list[str]) -> re.Pattern[str]:
    """Any of some phrases, as whole words."""
    return re.compile(r"\b(?:" + "|".join(expanded(each) for each in alternatives) + r")\b")


@cache
def macros() -> dict[str, list[str]]:
    """Groups of phrases that patterns name in braces."""
    lexicon = table("lexicon")
    named = {
        short: [phrase for phrases in lexicon[table_name].values() for phrase in phrases]
        for short, table_name in (("policy", "policy_name"), ("kpi", "kpi"))
    }
    return {**lexicon["macro"], **table("refusals")["macro"], **named}


def expanded(text: str) -> str:
    """A pattern with every ``{macro}`` written out."""
    while found := re.search(r"\{([a-z_]+)\}", text):
        text = text.replace(found.group(), "(?:" + "|".join(macros()[found[1]]) + ")")
    return text


@cache
def readers(name: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """A table of the lexicon: each key and the pattern of its phrases, in order."""
    return tuple((key, pattern(phrases)) for key, phrases in table("lexicon")[name].items())


SITE_SYNONYMS = {
    "shop": "store", "stores": "stores", "factory": "plant", "works": "plant", "depot": "warehouse", "center": "centre",
    "dcs": "dcs", "webshop": "web", "online": "web",
}  # fmt: skip
SITE_KINDS = frozenset({"store", "shop", "plant", "factory", "dc", "warehouse", "centre", "center", "depot", "site"})
PLAIN_IN_NAMES = frozenset(
    """
    set level work light hand unit units pack kit tool tools bit driver adapter clamp tape meter cable disc blade
    import devices instruments overseas street tooling consumables kitting cleaning filter gas scan probe
    """.split()  # noqa: SIM905
)
"""Words that names share with ordinary language: alone they name nothing."""


@cache
def vocabulary() -> frozenset[str]:
    """Every word the tables know, and with ``*`` every beginning of one; none is ever taken for a slip of another."""
    text = " ".join(
        (FOLDER / f"{name}.toml").read_text("utf-8") for name in ("lexicon", "intents", "refusals", "requests")
    )
    text = re.sub(r"#.*", " ", text).replace("\\\\b", " ")
    known: set[str] = set((FOLDER / "common_words.txt").read_text("utf-8").split())
    for stem, follows, endings, optional in re.findall(r"([a-z]{2,})(\?|\[|\\\\w|\(\?:([a-z|]+)\)(\?)?|\(\?:)?", text):
        if endings:
            known |= {stem + ending for ending in endings.split("|")} | ({stem} if optional else set())
        elif follows == "?":
            known |= {stem, stem[:-1]}
        elif not follows:
            known.add(stem)
        if follows not in ("", "?") and len(stem) >= 4:
            known.add(f"{stem}*")
    return frozenset(known)
