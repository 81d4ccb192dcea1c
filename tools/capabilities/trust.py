"""What the written rules say, how sound the data is, and the company's figures."""

from __future__ import annotations

from collections import defaultdict

from inventory.chronicle import list_feed_health, list_kpi_points
from inventory.records import KpiPoint
from tools.arrays import age_hours
from tools.capabilities import arguments as a
from tools.capabilities.answer import Answer, Fact, Source
from tools.capabilities.facts import (
    of_count,
    of_date,
    of_hours,
    of_id,
    of_money,
    of_ratio,
    of_share,
    of_words,
)
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.telling import SOUND, Row, currency_of, data_source, known, listing, narrowed
from tools.errors import ToolInputError
from tools.money import to_minor
from tools.retrieve import as_citation
from tools.tracing import trace_retrieval

PASSAGES = 3
QUOTED = 600
"""Characters of a clause that are quoted."""


def find_rules(asking: Asking, asked: a.FindRules) -> Answer:
    """Clauses in force that speak about a question, for the place asked about, best first; quoted, never obeyed."""
    toolbox, on = asking.toolbox, asking.toolbox.now().date()
    classes = frozenset({asking.item_class(asked.item)}) if asked.item and asking.sees_class(asked.item) else None
    base = toolbox.knowledge(asking.connection)
    ranked = base.search(
        asked.question, on=on, sites=frozenset({asked.site}) if asked.site else None, supplier=asked.supplier,
        item_classes=classes, readable_sites=asking.scope.sites, limit=PASSAGES,
    )  # fmt: skip
    found = [as_citation(one.passage) for one in ranked]
    trace_retrieval(asked.question, found, base.corpus_digest)
    rows: list[Row] = [
        {
            "document": of_id("document", one.document_id),
            "title": of_words(one.title),
            "version": of_words(f"version {one.version}"),
            "clause": of_id("clause", one.clause) if one.clause else None,
            "effective_from": of_date(one.effective_from),
            "text": of_words(one.text[:QUOTED]),
        }
        for one in found
    ]
    table = listing(
        "rule", "Rules in force", ("document", "title", "version", "clause", "effective_from", "text"), rows
    )
    pattern = "[title] ([document], [version]" + ", clause [clause]" + ") says: “[text]”"
    told = table.told(pattern, most=2) or table.told("[title] ([document], [version]) says: “[text]”", most=2)
    return Answer(
        capability="find_rules",
        found=bool(found),
        facts={**table.facts, "on": of_date(on), "rule_count": of_count(len(rows), "clause")},
        tables=(table.table,) if rows else (),
        sources=tuple(
            Source(kind="document", reference=one.document_id, version=one.version, clause=one.clause) for one in found
        ),
        template=told if rows else "No written rule in force on {{on}} speaks about that.",
        notes=("A rule is followed at the gate; nobody is released from it here.",) if rows else (),
    )


def data_health(asking: Asking, asked: a.MaybeSite) -> Answer:
    """Age and soundness of each feed, the worst in front."""
    snapshot = asking.toolbox.snapshot()
    now = asking.toolbox.now()
    feeds = [
        feed
        for feed in list_feed_health(asking.connection, asking.scope, snapshot.snapshot_id)
        if asked.site in (None, feed.site)
    ]
    feeds.sort(key=lambda feed: (feed.score, -feed.age_hours, feed.site, feed.feed))
    rows: list[Row] = [
        {
            "feed": of_words(feed.feed),
            "site": of_id("site", feed.site),
            "score": of_share(feed.score),
            "age": of_hours(age_hours(feed.as_of, now)),
            "problems": of_words("; ".join(feed.problems)) if feed.problems else None,
        }
        for feed in feeds
    ]
    bad = [feed for feed in feeds if feed.score < SOUND or feed.problems]
    found = listing("feed", "Feeds", ("feed", "site", "score", "age", "problems"), rows)
    facts = known(
        {
            "site": of_id("site", asked.site) if asked.site else None,
            "data_age": of_hours(age_hours(snapshot.as_of, now)),
            "as_of": of_date(snapshot.as_of.date()),
            "feed_count": of_count(len(feeds), "feed"),
            "bad_count": of_count(len(bad), "feed"),
            "worst": of_share(min((feed.score for feed in feeds), default=1.0)),
        }
    )
    about = " of {{site}}" if asked.site else ""
    if not feeds:
        template = "The state of the feeds" + about + " is not known yet: a sweep looks at it."
    elif bad:
        template = (
            "Of {{feed_count}}" + about + ", {{bad_count}} cannot be trusted blindly; the worst is {{worst}} sound. "
            + found.told("[feed] at [site]: [problems].") + " The data is {{data_age}} old."
        )  # fmt: skip
    else:
        template = "All {{feed_count}}" + about + " are sound; the data is {{data_age}} old."
    return Answer(
        capability="data_health", found=bool(feeds), facts={**facts, **found.facts},
        tables=(found.table,) if rows else (), sources=(data_source(asking),),
        template=template, notes=() if asked.site else narrowed(asking),
    )  # fmt: skip


FIGURES: dict[str, tuple[str, ...]] = {
    "inventory value": ("inventory_value",),
    "fill rate": ("fill_rate_ahead", "out_of_stock_share"),
    "turns": ("turns",),
    "expedite spend": ("expedite_spend",),
    "forecast bias": ("forecast_bias",),
}
"""What people call the figures, and the points a sweep keeps of them."""


def kpis(asking: Asking, asked: a.Kpis) -> Answer:
    """The newest figures of the sweeps, each beside the one before."""
    names = _names_of(asked.name) if asked.name else tuple(name for group in FIGURES.values() for name in group)
    points: dict[tuple[str, str], list[KpiPoint]] = defaultdict(list)
    for point in list_kpi_points(asking.connection, asking.scope):
        if point.name in names and (asked.site is None or point.site == asked.site):
            points[(point.name, point.site)].append(point)
    currency = currency_of(asking)
    rows: list[Row] = [
        {
            "figure": of_words(name.replace("_", " ")),
            "site": of_id("site", site) if site else of_words("all sites"),
            "value": _figure(name, series[-1].value, currency),
            "before": _figure(name, series[-2].value, currency) if len(series) > 1 else None,
            "on": of_date(series[-1].at.date()),
        }
        for (name, site), series in sorted(points.items(), key=lambda pair: (pair[0][1], names.index(pair[0][0])))
    ]
    found = listing("figure", "Figures", ("figure", "site", "value", "before", "on"), rows)
    missing = [name for name in names if name not in {key[0] for key in points}]
    facts = known(
        {
            "site": of_id("site", asked.site) if asked.site else None,
            "asked": of_words(asked.name) if asked.name else None,
            "missing": of_words(", ".join(name.replace("_", " ") for name in missing)) if missing else None,
        }
    )
    about = " at {{site}}" if asked.site else ""
    template = found.told("[figure] of [site]: [value].", most=5) if rows else f"No such figure is kept{about} yet."
    sweeps = {series[-1].sweep_id: series[-1].at for series in points.values()}
    return Answer(
        capability="kpis",
        found=bool(rows),
        facts={**facts, **found.facts},
        tables=(found.table,) if rows else (),
        sources=tuple(Source(kind="sweep", reference=sweep, as_of=at) for sweep, at in sorted(sweeps.items())),
        template=template,
        notes=("No sweep keeps {{missing}}" + about + ".",) if missing and (asked.name or asked.site) else (),
    )


def _names_of(said: str) -> tuple[str, ...]:
    """Points meant by what somebody calls a figure.

    Raises
    ------
    ToolInputError
        Listing the figures there are.
    """
    words = set(said.casefold().replace("_", " ").replace("-", " ").split())
    scored = sorted(FIGURES, key=lambda name: (-len(words & set(name.split())), name))
    if not words & set(scored[0].split()):
        raise ToolInputError(f"kpis: no figure {said!r}; there are {', '.join(FIGURES)}")
    return FIGURES[scored[0]]


def _figure(name: str, value: float, currency: str) -> Fact:
    if name in ("inventory_value", "expedite_spend"):
        return of_money(to_minor(value), currency)
    return of_ratio(value) if name == "turns" else of_share(value)


CAPABILITIES: tuple[Capability, ...] = (
    capability("find_rules", find_rules),
    capability("data_health", data_health),
    capability("kpis", kpis),
)
