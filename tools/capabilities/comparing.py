"""Sites that ask different things of the same class of items."""

from __future__ import annotations

import polars as pl

from tools.capabilities import arguments as a
from tools.capabilities.answer import Answer
from tools.capabilities.facts import of_count, of_days, of_id, of_share, of_words
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.telling import Row, data_source, known, listing, narrowed
from tools.detectors.policies import COMPARED, KIND, OF_CLASS, medians_by_site

COLUMNS = ("item_class", "segment", "kind", "site", "items", "service_target", "review", "cover")


def compare_policies(asking: Asking, asked: a.ClassMaybeSite) -> Answer:
    """Classes in which sites of one kind differ by more than the thresholds of the detector, site by site."""
    thresholds = asking.toolbox.thresholds(asking.connection)
    known_sites = asking.toolbox.made_of_snapshot(medians_by_site)
    if asking.scope.sites is not None:
        known_sites = known_sites.filter(pl.col("site").is_in(sorted(asking.scope.sites)))
    if asking.scope.item_classes is not None:
        known_sites = known_sites.filter(pl.col("item_class").is_in(sorted(asking.scope.item_classes)))
    if asked.item_class:
        known_sites = known_sites.filter(pl.col("item_class") == asked.item_class)
    rows: list[Row] = []
    classes = 0
    for _, group in sorted(known_sites.group_by(*OF_CLASS), key=lambda pair: pair[0]):
        sites = group.sort("site")
        if asked.site and asked.site not in sites["site"].to_list():
            continue
        if any(_differs(sites, name, thresholds.value(KIND.value, limit)) for name, limit in COMPARED.items()):
            classes += 1
            rows += [_row(site) for site in sites.iter_rows(named=True)]
    found = listing("place", "Targets that differ", COLUMNS, rows)
    facts = known(
        {
            "site": of_id("site", asked.site) if asked.site else None,
            "asked_class": of_words(asked.item_class.replace("_", " ")) if asked.item_class else None,
            "class_count": of_count(classes, "group"),
        }
    )
    about = (" of {{asked_class}} items" if asked.item_class else "") + (" with {{site}}" if asked.site else "")
    template = (
        "Sites of the same kind differ in {{class_count}} of items" + about + ". "
        + found.told("[site] ([item_class], [segment]): [service_target], reviewed every [review], up to [cover].")
        if rows
        else "No sites of the same kind" + about + " ask different things of the same class."
    )  # fmt: skip
    return Answer(
        capability="compare_policies", found=bool(rows), facts={**facts, **found.facts},
        tables=(found.table,) if rows else (), sources=(data_source(asking),), template=template,
        notes=narrowed(asking),
    )  # fmt: skip


def _differs(sites: pl.DataFrame, name: str, limit: float) -> bool:
    values = [float(value) for value in sites[name].drop_nulls().to_list()]
    if len(values) < 2:
        return False
    low, high = min(values), max(values)
    return (high / low >= limit if low > 0 else False) if name == "cover_days" else high - low + 1e-9 >= limit


def _row(site: dict[str, object]) -> Row:
    def figure(name: str) -> float | None:
        value = site[name]
        return float(value) if isinstance(value, int | float) else None

    target, review, cover = (figure(name) for name in ("service_target", "review_period_days", "cover_days"))
    return {
        "item_class": of_words(str(site["item_class"]).replace("_", " ")),
        "segment": of_words(str(site["segment"])),
        "kind": of_words(str(site["kind"])),
        "site": of_id("site", str(site["site"])),
        "items": of_count(int(figure("places") or 0), "item"),
        "service_target": None if target is None else of_share(target),
        "review": None if review is None else of_days(review),
        "cover": None if cover is None else of_days(round(cover, 1)),
    }


CAPABILITIES: tuple[Capability, ...] = (capability("compare_policies", compare_policies),)
