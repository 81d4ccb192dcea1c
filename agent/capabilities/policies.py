"""The figures of the policies in force, found by what people call them."""

from __future__ import annotations

import re

from rapidfuzz.distance import DamerauLevenshtein

from agent.gate_facts import Place
from agent.policy_book import ENTERPRISE
from agent.policy_values import ShownValue, shown_values
from inventory.errors import NotFoundError
from inventory.records import EVERYTHING, PolicyKind
from inventory.rulebook import find_policy
from tools.capabilities import arguments as a
from tools.capabilities.answer import Answer, Fact, Source
from tools.capabilities.facts import of_count, of_days, of_hours, of_id, of_money, of_ratio, of_words
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.telling import Row, currency_of, known, listing

VALUES = ("key", "value", "from", "note", "policy")
SAID_AS: dict[str, str] = {
    "auto.": "auto limit automatic automatically value",
    "two_people_above": "second signature people four eyes two person limit",
    "actions.": "limit",
    "queue.": "cap cases",
    "thrash.cool_down_days": "cooldown cool-down rest",
    "thrash.minimum_net_benefit": "least benefit",
    "planning.minimum_net_benefit": "least benefit",
    "expiry_hours": "expire expiry deadline",
    "recall_minutes": "recall window",
}
"""Further words people use for keys that begin so."""
KINDS: tuple[PolicyKind, ...] = ("approval", "thresholds", "stocking")
NEAR = 0.75
"""Similarity from which a word may be a misspelling."""
MOST = 12


def policy_value(asking: Asking, asked: a.PolicyValue) -> Answer:
    """Values of the approval policy, the thresholds and the stocking policy whose names fit, as they hold at a place.

    Raises
    ------
    NotFoundError
        If no value is called anything like it.
    """
    place = Place(site=asked.site or "", item_class=asking.item_class(asked.item) if asked.item else "")
    versions: dict[str, int] = {}
    scored: list[tuple[float, int, str, ShownValue]] = []
    words = _words(asked.name)
    for order, kind in enumerate(KINDS):
        try:
            policy = find_policy(asking.connection, EVERYTHING, kind, at=asking.toolbox.now())
        except NotFoundError:
            continue
        versions[kind] = policy.version
        for shown in shown_values(kind, policy.content, place):
            scored.append((_fits(words, shown.key), order, kind, shown))
    best = max((score for score, *_ in scored), default=0.0)
    if best < 0.5:
        raise NotFoundError(f"policy_value: no value is called anything like {asked.name!r}")
    chosen = [
        (kind, shown) for score, _, kind, shown in sorted(scored, key=lambda s: (-s[0], s[1])) if score >= best - 1e-9
    ]
    currency = currency_of(asking)
    rows: list[Row] = [
        {
            "key": of_words(shown.key),
            "value": value_fact(shown.key, shown.value, currency),
            "from": of_words("the enterprise" if shown.layer == ENTERPRISE else shown.layer),
            "note": of_words(shown.note) if shown.note else None,
            "policy": of_words(kind),
        }
        for kind, shown in chosen[:MOST]
    ]
    table = listing("value", f"Values called {asked.name}", VALUES, rows)
    facts = known(
        {
            "asked": of_words(asked.name),
            "site": of_id("site", asked.site) if asked.site else None,
            "item": of_id("item", asked.item) if asked.item else None,
            "value_count": of_count(len(chosen), "value"),
        }
    )
    where = (" at {{site}}" if asked.site else "") + (" for {{item}}" if asked.item else "")
    used = sorted({kind for kind, _ in chosen})
    return Answer(
        capability="policy_value", facts={**facts, **table.facts}, tables=(table.table,),
        sources=tuple(Source(kind="policy", reference=kind, version=versions[kind]) for kind in used),
        template=f"In force{where}: " + table.told("[key] is [value], set by [from] ([policy]).", most=4),
        notes=("A policy is proposed and confirmed by different people, with evenkeel policy, never here.",),
    )  # fmt: skip


def value_fact(key: str, value: str, currency: str) -> Fact:
    """A value of a policy with the unit its key tells."""
    try:
        number = float(value.replace(",", ""))
    except ValueError:
        return of_words(value)
    name = key.rsplit(".", 1)[-1]
    if name.endswith("_days") or name == "item_days":
        return of_days(number)
    if key.startswith(("expiry_hours", "snapshot_age_hours")) or name.endswith("_hours"):
        return of_hours(number)
    money = ("two_people_above", "planner_limit", "minimum_net_benefit", "reopen_gain", "auto_per_site_day")
    if key.startswith("auto.") or name in money or name.endswith(("_money", "_value_per_day")):
        return of_money(round(100 * number), currency)
    return of_ratio(number, 4 if number != round(number) else 0).model_copy(update={"text": value})


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", text.casefold()) if word and word not in ("the", "a", "of", "our")]


def _fits(words: list[str], key: str) -> float:
    """Share of what was said that the key, or what people call it, holds; exact words count before near ones."""
    also = " ".join(words_ for begins, words_ in SAID_AS.items() if key.startswith(begins))
    named = set(_words(f"{key} {also}"))
    fits = [1.0 if word in named else max(_near(word, one) for one in named) for word in words]
    return sum(fits) / len(fits) if fits else 0.0


def _near(word: str, other: str) -> float:
    likeness = DamerauLevenshtein.normalized_similarity(word, other)
    return likeness if likeness >= NEAR else 0.0


CAPABILITIES: tuple[Capability, ...] = (capability("policy_value", policy_value),)
