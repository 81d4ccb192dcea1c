"""Who or what is meant: by id, number or name, with typing errors; what fits several is told, not guessed."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from inventory.records import Scope
from tests.tools.networks import add_rows, amended, set_column
from tests.worlds import ItemSite, Lane, Network, World
from tools.capabilities.names import LookUp, NameKind, Names, names_of

ITEMS = {
    "P-320": "Sanding disc set 320",
    "P-3679": "Pump unit 3679",
    "P-3426": "Pump unit 3426",
    "P-10364": "Adapter 10364",
    "P-10310": "Torque wrench 10310",
    "P-1209": "Bolt cutter 1209",
    "P-1270": "Bolt cutter 1270",
}
SITES = {"DC-EAST": "Distribution centre East", "ST-PINE": "Pine Street store", "ST-HARBOUR": "Harbour store"}


@pytest.fixture(scope="module")
def names(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Names:
    network = Network(
        item_sites=(
            *(ItemSite(item, "DC-EAST", weekly=5, on_hand=50) for item in ITEMS),
            ItemSite("P-3679", "ST-PINE", weekly=5, on_hand=50, flags="regulated"),
            ItemSite("P-320", "ST-HARBOUR", weekly=5, on_hand=50),
        ),
        lanes=(Lane("DC-EAST", "ST-PINE"),),
    )
    named = amended(
        network,
        set_column("items", pl.col("item").replace(ITEMS).alias("name")),
        set_column("sites", pl.col("site").replace(SITES).alias("name")),
        add_rows("suppliers", {"supplier": "SUP-LARCH", "name": "Larch Hydraulics"}),
    )
    return names_of(World(Path(tmp_path_factory.mktemp("names")) / "home", named).furnish().toolbox)


def found(names: Names, kind: NameKind, said: str, site: str = "") -> LookUp:
    return names.look_up(kind, said, site=site)


@pytest.mark.parametrize(
    ("kind", "said", "meant"),
    [
        ("item", "P-10364", "P-10364"),
        ("item", "p-320", "P-320"),
        ("item", "10364", "P-10364"),
        ("item", "sanding disc 320", "P-320"),
        ("item", "adapter 10364", "P-10364"),
        ("item", "seanding disc 320", "P-320"),
        ("item", "torqe wrench", "P-10310"),
        ("item", "hammer 1270", "P-1270"),
        ("site", "DC-EAST", "DC-EAST"),
        ("site", "East", "DC-EAST"),
        ("site", "the east dc", "DC-EAST"),
        ("site", "harbor", "ST-HARBOUR"),
        ("site", "the Pine store", "ST-PINE"),
        ("supplier", "Larch", "SUP-LARCH"),
        ("supplier", "larch hydraulic", "SUP-LARCH"),
    ],
)
def test_what_is_meant_is_found(names: Names, kind: NameKind, said: str, meant: str) -> None:
    best = found(names, kind, said).best
    assert best is not None
    assert best.id == meant


@pytest.mark.parametrize(
    ("kind", "said", "several"),
    [
        ("item", "P-103", {"P-10364", "P-10310"}),
        ("item", "bolt cutter 12", {"P-1209", "P-1270"}),
        ("item", "pump unit", {"P-3679", "P-3426"}),
        ("site", "the store", {"ST-PINE", "ST-HARBOUR"}),
    ],
)
def test_what_fits_several_is_told_and_not_guessed(names: Names, kind: NameKind, said: str, several: set[str]) -> None:
    what = found(names, kind, said)
    assert what.best is None
    assert what.ambiguous
    assert {one.id for one in what.candidates[: len(several)]} == several


@pytest.mark.parametrize("said", ["P-9999", "weather", "", "999"])
def test_what_is_not_there_is_not_found(names: Names, said: str) -> None:
    what = found(names, "item", said)
    assert what.best is None
    assert not what.ambiguous


def test_a_number_is_never_taken_for_a_similar_one(names: Names) -> None:
    assert found(names, "item", "10365").best is None


def test_the_site_named_leaves_one_of_several(names: Names) -> None:
    best = found(names, "item", "pump unit", site="ST-PINE").best
    assert best is not None
    assert best.id == "P-3679"


def test_items_of_a_foreign_class_are_not_found(names: Names) -> None:
    scope = Scope(user="x", item_classes=frozenset({"standard"}))
    what = names.look_up("item", "P-3679", scope=scope)
    assert what.best is None
    assert "P-3679" not in {one.id for one in what.candidates}


def test_the_rest_of_many_is_counted(names: Names) -> None:
    what = names.look_up("item", "pump unit", limit=1)
    assert len(what.candidates) == 1
    assert what.more == 1
