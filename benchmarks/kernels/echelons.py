"""Guaranteed service beside stockpyl; serial and two-echelon kernels beside the special functions they stand on."""

from __future__ import annotations

import importlib
import statistics
from collections.abc import Callable

import numpy as np
from scipy.special import betainc, gammaincc

from benchmarks.measure import Row, compare, seconds
from optimizer.arguments import FloatArray
from optimizer.echelons.backorder_moments import backorder_moments
from optimizer.echelons.base_levels import BaseLevels, levels_of_pipeline
from optimizer.echelons.central_or_forward import CenterAndSites, central_or_forward
from optimizer.echelons.depot_and_bases import DepotAndBases, pipeline
from optimizer.echelons.guaranteed_service import GuaranteedService, guaranteed_service
from optimizer.echelons.serial_normal import serial_normal
from optimizer.echelons.serial_poisson import serial_poisson
from optimizer.echelons.supply_tree import supply_tree
from optimizer.echelons.two_echelon import two_echelon_stock

_ITEMS = 2000
# One solve of ours is as short as a hiccup of the machine: many are timed together.
_CALLS = 50
_LEVELS = 24
# Graves and Willems (2003), bulldozer: periods, added cost, suppliers.
_BULLDOZER: dict[str, tuple[int, int, tuple[str, ...]]] = {
    "Boggie": (11, 575, ()),
    "Brake": (8, 3850, ()),
    "Case": (15, 2200, ()),
    "CaseFrame": (16, 1500, ("Case", "FrameAsm")),
    "Chassis": (7, 4320, ("Platform", "Fender", "RollOver")),
    "Common": (5, 8000, ("CaseFrame", "Transmission", "FinalDrive")),
    "DressedEngine": (10, 4100, ("Engine", "Fans")),
    "Drive": (9, 1550, ()),
    "Engine": (7, 4500, ()),
    "Fans": (12, 650, ()),
    "Fender": (9, 900, ()),
    "FinalAsm": (4, 8000, ("MainAsm", "TrackRoller", "Suspension")),
    "FinalDrive": (6, 3680, ("Brake", "Drive", "PlantCarrier")),
    "FrameAsm": (19, 605, ()),
    "MainAsm": (8, 12000, ("Chassis", "Common", "DressedEngine")),
    "PinAsm": (35, 90, ()),
    "PlantCarrier": (9, 155, ()),
    "Platform": (6, 725, ()),
    "RollOver": (8, 1150, ()),
    "Suspension": (7, 3600, ("Boggie", "PinAsm")),
    "TrackRoller": (10, 3000, ()),
    "Transmission": (15, 7450, ()),
}
_NAMES = list(_BULLDOZER)
_LAST = _NAMES.index("FinalAsm")
_TIMES = [time for time, _, _ in _BULLDOZER.values()]
_EDGES = [(_NAMES.index(s), _NAMES.index(n)) for n, (_, _, suppliers) in _BULLDOZER.items() for s in suppliers]
_Z, _SD, _RATE = 1.645, 3.0, 0.3


def measure() -> list[Row]:
    """The room's table."""
    return [*_guaranteed_service(), *_serial(), *_two_echelon()]


def _value(name: str) -> float:
    _, added, suppliers = _BULLDOZER[name]
    return added + sum(_value(supplier) for supplier in suppliers)


def _ours(holding: FloatArray, sd: FloatArray) -> GuaranteedService:
    """Network built, checked and solved, as the peer's call does."""
    limit = np.full(len(_NAMES), np.inf)
    limit[_LAST] = 0.0
    return guaranteed_service(supply_tree(_EDGES, _TIMES, limit), holding, sd, _Z, pooling_exponent=2.0)


def _guaranteed_service() -> list[Row]:
    # By name, because the peer is untyped and lives in the bench environment alone.
    solve = importlib.import_module("stockpyl.gsm_tree").optimize_committed_service_times
    network_from_edges = importlib.import_module("stockpyl.supply_chain_network").network_from_edges
    value = np.array([_RATE * _value(name) for name in _NAMES])
    end = {stage: None for stage in range(len(_NAMES))}
    network = network_from_edges(
        edges=_EDGES,
        processing_time=dict(enumerate(_TIMES)),
        local_holding_cost=dict(enumerate(value.tolist())),
        demand_bound_constant=_Z,
        external_outbound_cst={**end, _LAST: 0},
        demand_type={**end, _LAST: "N"},
        mean={**end, _LAST: 5.0},
        standard_deviation={**end, _LAST: _SD},
    )
    sd = np.zeros((_ITEMS, len(_NAMES)))
    sd[:, _LAST] = _SD * np.random.default_rng(1).uniform(0.5, 2.0, _ITEMS)
    sd[0, _LAST] = _SD
    holding = value * np.random.default_rng(2).uniform(0.8, 1.25, (_ITEMS, len(_NAMES)))
    holding[0] = value
    own, theirs = _ours(holding, sd).cost[0], solve(network)[1]
    if abs(own / theirs - 1.0) > 1e-9:
        raise AssertionError(f"costs differ: {own} here, {theirs} there")
    one, peer = compare(lambda: [_ours(holding[:1], sd[:1]) for _ in range(_CALLS)], lambda: solve(network))
    many, again = compare(lambda: _ours(holding, sd), lambda: solve(network))
    size = f"{len(_NAMES)} stages"
    return [
        Row("guaranteed service, one item", size, "items", _CALLS / one, "stockpyl 1.0", 1.0 / peer, 80.0),
        Row(
            "guaranteed service, one topology",
            f"{size} x {_ITEMS:,} items",
            "items",
            _ITEMS / many,
            "stockpyl 1.0",
            1.0 / again,
            2000.0,
        ),
    ]


def _serial() -> list[Row]:
    """Beside the arithmetic they cannot do without: stockpyl's serial solver raises on numpy 2."""
    items, rng = 1000, np.random.default_rng(3)
    three, lead = rng.uniform(0.5, 4.0, (items, 3)), rng.uniform(0.5, 3.0, (items, 3))
    four, quarter = rng.uniform(0.2, 0.3, (items, 4)), np.full((items, 4), 0.25)
    # The second stage is known at 64 nodes, each an integral over 64 nodes of the first; the last where its level is.
    exponents = -rng.uniform(0.0, 30.0, (100, 64 * 64))
    law = rng.dirichlet(np.ones(40))
    normal, exp = compare(lambda: serial_normal(three, 37.12, lead, 5.0, 1.0), lambda: np.exp(exponents), repeats=3)
    single = _median(lambda: serial_normal(three[:1], 37.12, lead[:1], 5.0, 1.0), 15)
    poisson, convolve = compare(
        lambda: serial_poisson(four, 9.0, quarter, 16.0), lambda: [np.convolve(law, law) for _ in range(400)], repeats=3
    )
    alone = _median(lambda: serial_poisson(four[:1], 9.0, quarter[:1], 16.0), 15)
    needs, calls = "numpy exp, 64 x 64 of them", "numpy convolve, 4 of them"
    return [
        Row("serial, normal", "3 stages", "systems", 1.0 / single, needs, 100.0 / exp),
        Row("serial, normal", f"3 stages x {items:,} items", "systems", items / normal, needs, 100.0 / exp),
        Row("serial, Poisson", "4 stages", "systems", 1.0 / alone, calls, 100.0 / convolve),
        Row("serial, Poisson", f"4 stages x {items:,} items", "systems", items / poisson, calls, 100.0 / convolve),
    ]


def _two_echelon() -> list[Row]:
    """Base evaluations beside one incomplete beta function each, the way a level is usually priced; whole answers."""
    rng, items, bases = np.random.default_rng(4), 1000, 10
    network = DepotAndBases(
        rng.uniform(0.05, 0.3, (items, bases)), rng.uniform(1.0, 4.0, (items, bases)), rng.uniform(5.0, 9.0, items)
    )
    mean = np.repeat(network.depot_mean[:, None], _LEVELS, axis=1)
    tail = np.full((items, _LEVELS, bases), 1.2 / 31.2)

    def every_level() -> list[BaseLevels]:
        # In blocks of the size that `two_echelon_stock` takes.
        return [block(slice(start, start + 250)) for start in range(0, items, 250)]

    def block(part: slice) -> BaseLevels:
        level = np.broadcast_to(np.arange(float(_LEVELS)), mean[part].shape)
        depot = backorder_moments(level, mean[part], mean[part], "count")
        expected, variance = depot.expected[:, :, None], depot.variance[:, :, None]
        waiting = pipeline(network.share[part][:, None], network.lane_mean[part][:, None], expected, variance)
        return levels_of_pipeline(waiting.mean, waiting.variance, tail[part])

    a, b, x = rng.uniform(1.0, 9.0, 100_000), rng.uniform(1.0, 9.0, 100_000), rng.uniform(0.1, 0.9, 100_000)
    searched, beta = compare(every_level, lambda: betainc(a, b, x))
    confirmed = _median(lambda: two_echelon_stock(network, 1.0, 1.2, 30.0), 5)
    shops = rng.gamma(1.0, 3.0, (items, bases)) + 0.01
    sites = CenterAndSites(
        demand_mean=shops,
        demand_sd=0.8 * shops,
        center_lead_time_days=rng.uniform(5.0, 30.0, items),
        site_lead_time_days=np.full((items, bases), 2.0),
        center_level=shops.sum(axis=1) * 20.0,
        site_level=3.0 * shops,
    )
    units = shops.sum(axis=1) * 3.0
    placed, gamma = compare(
        lambda: central_or_forward(sites, units, 0.01, 0.015, 1.0), lambda: gammaincc(a, b), repeats=3
    )
    size = f"{items:,} x {bases}"
    grid, bases_found = f"{size} x {_LEVELS} depot levels", tail.size / searched
    prices = 5.0 * items * bases / placed
    return [
        # Two million a second where betainc takes 325 ns.
        Row("VARI-METRIC, best base level", grid, "bases", bases_found, "scipy betainc", 1e5 / beta, 0.65),
        Row("depot and bases, confirmed", size, "items", items / confirmed, "scipy betainc", 1e5 / beta),
        Row("central or forward", f"{size} x 5 options", "prices", prices, "scipy gammaincc", 1e5 / gamma),
    ]


def _median(function: Callable[[], object], repeats: int) -> float:
    function()
    return statistics.median(seconds(function) for _ in range(repeats))
