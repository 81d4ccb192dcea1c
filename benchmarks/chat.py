"""How long people wait for an answer: to the first words and to the last, with a large network loaded.

    python -m benchmarks.chat                 100,000 item-sites, 300 turns of the offline model
    python -m benchmarks.chat 10000 --turns 60
    python -m benchmarks.chat --no-sweep      without cases and proposals, which takes less time to set up

Questions are drawn from one seed: every kind, any item and site. What all turns share is read before the first, as a
server does when it starts; the very first turn is told apart.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from agent.chat.desk import ChatDesk
from agent.chat.events import ChatEvent, Reply
from benchmarks.sweep import NOW, House, alone, peak_megabytes
from benchmarks.worlds import AS_OF, network
from inventory.people import save_user
from inventory.records import User
from tools.intake import take_stock

ASKED = (
    "how many {item} do we have", "stock of {item} at {site}", "who could spare some {item} for {site}",
    "when do we run out of {item} at {site}", "forecast for {item} at {site} next 8 weeks",
    "transfer or buy for {item} at {site}?", "why is {item} short at {site}",
    "why did you not propose a transfer for {item} at {site}", "what if demand for {item} at {site} rises 29 %",
    "what does the SOP say on moving lot-controlled stock", "what is open at {site}", "what did you hide today",
    "summary for the planners", "draft a transfer of 5 {item} to {site}", "how reliable is {supplier}",
    "lead time of {item} at {site}", "what is on its way to {site}", "slow movers at {site}", "what is {item}",
    "ABC/XYZ of {item} at {site}", "can I trust the data at {site}", "what waits for approval",
    "who approves above 500k?", "what tier would buying 60 {item} for {site} get", "the four numbers please",
    "which sites have different targets for the same class", "approve it for me", "hi",
)  # fmt: skip
USER = User(user_id="bench", name="Bench", roles=("manager",))


@dataclass
class Waited:
    """What turns took, by the tool that answered."""

    set_up: float = 0.0
    warming: float = 0.0
    """Reading what all turns share, as a server does when it starts."""
    first_turn: float = 0.0
    turns: defaultdict[str, list[tuple[float, float, float]]] = field(default_factory=partial(defaultdict, list))
    """Seconds to the first piece, which says what is looked up, to the first sentence, and to the end."""
    megabytes: float = 0.0


def measure(item_sites: int, folder: Path, *, turns: int, sweep: bool) -> Waited:
    """Load a network of that size and talk."""
    waited, house, started = Waited(), House(folder), perf_counter()
    snapshot = house.snapshots.write(network(item_sites), as_of=AS_OF, import_id="bench", actor="bench", now=NOW)
    with house.database.write("bench", NOW) as transaction:
        save_user(transaction, USER)
        take_stock(transaction, snapshot)
    if sweep:
        house.desk.sweep()
    waited.set_up = perf_counter() - started
    places = list(snapshot.table("item_sites").select("item", "site").iter_rows())
    suppliers = snapshot.table("suppliers")["supplier"].to_list()
    generator = np.random.Generator(np.random.PCG64(20240408))
    desk = ChatDesk(house.desk.toolbox)
    started = perf_counter()
    desk.warm()
    waited.warming = perf_counter() - started
    item, site = places[0]
    waited.first_turn = _turn(desk, f"stock of {item} at {site}")[0][-1]
    for number in range(turns):
        item, site = places[int(generator.integers(len(places)))]
        supplier = suppliers[int(generator.integers(len(suppliers)))]
        said = ASKED[number % len(ASKED)].format(item=item, site=site, supplier=supplier)
        took, tool = _turn(desk, said)
        waited.turns[tool].append(took)
    waited.megabytes = peak_megabytes()
    return waited


def _turn(desk: ChatDesk, said: str) -> tuple[tuple[float, float, float], str]:
    """Seconds to the first piece, to the first sentence and to the end, and what answered."""
    started = perf_counter()
    first, sentence, tool = 0.0, 0.0, "no tool"
    for piece in desk.ask(USER, said):
        first = first or perf_counter() - started
        if isinstance(piece, ChatEvent) and piece.kind != "looking":
            sentence = sentence or perf_counter() - started
        if isinstance(piece, Reply) and piece.questions:
            tool = piece.questions[0].name
    return (first, sentence, perf_counter() - started), tool


def table_of(item_sites: int, waited: Waited) -> Table:
    """Milliseconds by tool: median and 95th percentile."""
    table = Table(title=f"Turns of the offline model, {item_sites:,} item-sites, ms", title_justify="left")
    table.add_column("tool")
    for head in ("turns", "first piece", "p95", "first sentence", "p95", "whole", "p95"):
        table.add_column(head, justify="right")
    everything = [took for each in waited.turns.values() for took in each]
    for tool, turns in [*sorted(waited.turns.items()), ("all", everything)]:
        took = 1000 * np.array(turns)
        figures = [f"{float(np.percentile(took[:, part], share)):,.0f}" for part in range(3) for share in (50, 95)]
        table.add_row(tool, f"{len(turns)}", *figures)
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("item_sites", nargs="?", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=300)
    parser.add_argument("--no-sweep", action="store_true")
    given = parser.parse_args()
    waited = alone(partial(measure, turns=given.turns, sweep=not given.no_sweep), given.item_sites)
    console = Console(width=110)
    console.print(table_of(given.item_sites, waited))
    console.print(
        f"set up {waited.set_up:.1f} s, warming {waited.warming:.2f} s, very first turn {waited.first_turn:.2f} s, "
        f"peak {waited.megabytes:,.0f} MB"
    )


if __name__ == "__main__":
    main()
