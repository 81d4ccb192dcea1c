"""Which item, site or supplier somebody means: by id, by its number, by name, by part of it, and with a typing error.

Words are matched with words of ids and names; a number only with the same number, or with its beginning. What fits
several equally well is ambiguous and the candidates are told, never guessed.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import DamerauLevenshtein

from inventory.record import Record
from inventory.records import Scope
from inventory.snapshots import Snapshot
from tools.arrays import class_of
from tools.toolbox import Toolbox

NameKind = Literal["item", "site", "supplier"]
SURE = 0.6
"""Score from which a name is taken for what was said."""
LEAD = 0.15
"""Score by which it must be ahead of the next one."""
CLOSE = 0.75
"""Similarity from which a word may be a misspelling of another."""
SHORTEST_FUZZY = 4
"""Letters of a word below which it must be spelled right."""
BEGINNING = 0.8
"""What the beginning of a number is worth."""
SPECIFIC, GENERIC = 2.0, 0.5
"""Weights of a number, and of a word for a kind of site or company, beside 1 for another word."""
GENERIC_WORDS = frozenset(
    {
        "dc", "distribution", "centre", "center", "warehouse", "wh", "store", "st", "shop", "plant", "pl", "factory",
        "channel", "fc", "fulfilment", "fulfillment", "site", "supplier", "sup", "vendor", "company",
    }
)  # fmt: skip
STOP_WORDS = frozenset(
    {"the", "a", "an", "of", "our", "my", "at", "in", "on", "for", "to", "item", "items", "product", "part", "number"}
)
_TOKEN = re.compile(r"[^\W\d_]+|\d+")


class Candidate(Record):
    """Something that may be meant."""

    kind: NameKind
    id: str
    name: str
    score: float
    """1 where everything said fits."""


class LookUp(Record):
    """What may be meant by some words, best first."""

    said: str
    candidates: tuple[Candidate, ...]
    more: int = 0
    """Further ones that fit as well as the last."""

    @property
    def best(self) -> Candidate | None:
        """The one that is meant beyond doubt, if any."""
        if not self.candidates or self.candidates[0].score < SURE:
            return None
        first, *others = self.candidates
        return first if not others or first.score - others[0].score >= LEAD else None

    @property
    def ambiguous(self) -> bool:
        """Whether several fit well enough and none is clearly ahead."""
        return self.best is None and bool(self.candidates) and self.candidates[0].score >= SURE


@dataclass(frozen=True)
class _Index:
    """Names of one kind, by their words."""

    kind: NameKind
    ids: tuple[str, ...]
    names: tuple[str, ...]
    by_id: dict[str, int]
    by_word: dict[str, list[int]]
    numbers: tuple[str, ...]
    """Words that are numbers, sorted as text, to find them by their beginning."""
    words: tuple[str, ...]

    @classmethod
    def of(cls, kind: NameKind, ids: list[str], names: list[str]) -> _Index:
        by_word: dict[str, list[int]] = defaultdict(list)
        for place, (known, name) in enumerate(zip(ids, names, strict=True)):
            for word in dict.fromkeys(tokens(f"{known} {name}")):
                by_word[word].append(place)
        return cls(
            kind=kind,
            ids=tuple(ids),
            names=tuple(names),
            by_id={known.casefold(): place for place, known in enumerate(ids)},
            by_word=dict(by_word),
            numbers=tuple(sorted(word for word in by_word if word.isdigit())),
            words=tuple(sorted(word for word in by_word if not word.isdigit())),
        )

    def matches(self, word: str) -> dict[int, float]:
        """Places a word points at, and how well it fits."""
        if word in self.by_word:
            return dict.fromkeys(self.by_word[word], 1.0)
        if word.isdigit():
            begins = self.numbers[bisect_left(self.numbers, word) : bisect_left(self.numbers, f"{word}:")]
            return {place: BEGINNING for number in begins for place in self.by_word[number]}
        found: dict[int, float] = {}
        if len(word) >= SHORTEST_FUZZY:
            for known in self.words:
                fits = DamerauLevenshtein.normalized_similarity(word, known, score_cutoff=CLOSE)
                if fits > 0:
                    for place in self.by_word[known]:
                        found[place] = max(found.get(place, 0.0), fits)
        return found


@dataclass(frozen=True)
class Names:
    """Every item, site and supplier of a snapshot by name."""

    indexes: dict[NameKind, _Index]
    item_class: dict[str, str]
    planned_at: dict[str, frozenset[str]]
    """Items planned at each site."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> Names:
        """Names of a snapshot."""
        items = snapshot.table("items").sort("item")
        planned = snapshot.table("item_sites").group_by("site").agg("item")
        kinds: tuple[tuple[NameKind, str], ...] = (("site", "sites"), ("supplier", "suppliers"))
        indexes: dict[NameKind, _Index] = {"item": _Index.of("item", items["item"].to_list(), items["name"].to_list())}
        for kind, table in kinds:
            rows = snapshot.table(table).sort(kind)
            indexes[kind] = _Index.of(kind, rows[kind].to_list(), rows["name"].to_list())
        return cls(
            indexes=indexes,
            item_class={item: class_of(flags) for item, flags in items.select("item", "flags").iter_rows()},
            planned_at={site: frozenset(known) for site, known in planned.iter_rows()},
        )

    def ids(self, kind: NameKind) -> tuple[str, ...]:
        """Every id of a kind, sorted."""
        return self.indexes[kind].ids

    def name(self, kind: NameKind, known: str) -> str:
        """Name of an id; the id itself where it has none."""
        index = self.indexes[kind]
        place = index.by_id.get(known.casefold())
        return known if place is None else index.names[place]

    def look_up(
        self, kind: NameKind, said: str, *, site: str = "", scope: Scope | None = None, limit: int = 8
    ) -> LookUp:
        """Who or what may be meant by some words.

        Parameters
        ----------
        site
            Only items planned there, where an item is looked for.
        scope
            Items of classes outside it are not found.
        limit
            Largest number of candidates.
        """
        index = self.indexes[kind]
        allowed = self._allowed(kind, site, scope)
        exact = index.by_id.get(said.strip().casefold())
        if exact is not None and allowed(index.ids[exact]):
            scores = {exact: 1.0}
        else:
            scores = {place: score for place, score in _scores(index, said).items() if allowed(index.ids[place])}
        order = sorted(scores, key=lambda place: (-round(scores[place], 6), index.ids[place]))
        kept = order[:limit]
        last = round(scores[kept[-1]], 6) if kept else 0.0
        more = sum(1 for place in order[limit:] if round(scores[place], 6) == last)
        found = [Candidate(kind=kind, id=index.ids[at], name=index.names[at], score=scores[at]) for at in kept]
        return LookUp(said=said, candidates=tuple(found), more=more)

    def _allowed(self, kind: NameKind, site: str, scope: Scope | None) -> Callable[[str], bool]:
        if kind != "item":
            return lambda known: True
        planned = self.planned_at.get(site, frozenset()) if site else None
        classes = None if scope is None else scope.item_classes
        return lambda known: (
            (planned is None or known in planned) and (classes is None or self.item_class[known] in classes)
        )


def names_of(toolbox: Toolbox) -> Names:
    """Names of the current snapshot, kept until there is another."""
    return toolbox.made_of_snapshot(Names.of)


def tokens(text: str) -> list[str]:
    """Words and numbers of a text, folded, without words that say nothing."""
    return [word for word in _TOKEN.findall(text.casefold()) if word not in STOP_WORDS]


def _scores(index: _Index, said: str) -> dict[int, float]:
    """How much of what was said each name fits, by weight; names nothing fits are left out."""
    words = list(dict.fromkeys(tokens(said)))
    whole = sum(_weight(word) for word in words)
    scores: dict[int, float] = defaultdict(float)
    for word in words:
        for place, fits in index.matches(word).items():
            scores[place] += fits * _weight(word) / whole
    return scores


def _weight(word: str) -> float:
    if word.isdigit():
        return SPECIFIC
    return GENERIC if word in GENERIC_WORDS or len(word) == 1 else 1.0
