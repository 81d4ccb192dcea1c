"""``langgraph.json`` names factories that can be imported and give graphs over the home."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from langgraph.graph.state import CompiledStateGraph

from inventory.people import issue_token
from service import studio
from service.bootstrap import House
from tests.service.doors import PLANNER

ROOT = Path(__file__).parents[2]
GRAPHS = json.loads((ROOT / "langgraph.json").read_text("utf-8"))["graphs"]


@pytest.fixture
def at_home(still_house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment of a planner at the home."""
    with still_house.database.write("admin", still_house.clock()) as transaction:
        monkeypatch.setenv("EVENKEEL_TOKEN", issue_token(transaction, PLANNER))
    monkeypatch.setenv("EVENKEEL_HOME", str(still_house.layout.home))
    studio.opened_home.cache_clear()
    yield
    studio.opened_home().close()
    studio.opened_home.cache_clear()


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("sweep", {"recover", "health", "detect", "group", "plan", "queue", "brief"}),
        ("case", {"assemble", "retrieve", "optimize", "draft", "gate", "approve", "recall", "execute", "learn"}),
        ("chat", {"turn"}),
    ],
)
def test_each_named_graph_is_made_without_scratch_paper_of_its_own(at_home: None, name: str, nodes: set[str]) -> None:
    path, factory = GRAPHS[name]["path"].split(":")
    module = import_module(path.removeprefix("./").removesuffix(".py").replace("/", "."))
    graph = asyncio.run(getattr(module, factory)())

    assert isinstance(graph, CompiledStateGraph)
    assert set(graph.nodes) - {"__start__"} == nodes
    assert graph.checkpointer is None
    assert graph.get_context_jsonschema() is None, "a server asks nobody for a context"


def test_there_are_three_graphs_and_each_says_what_it_is() -> None:
    assert set(GRAPHS) == {"sweep", "case", "chat"}
    assert all(graph["description"] for graph in GRAPHS.values())
