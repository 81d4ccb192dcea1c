"""Every decision of the demo is worked out again to the same quantity, also where the solver was killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inventory.cases import list_cases
from inventory.proposals import list_proposals
from inventory.records import EVERYTHING
from service.bootstrap import House, open_home
from service.demo.set_up import fresh_home, settle_in
from service.settings import Settings
from tests.acceptance.test_days import assert_all_accounted_for, quiet

pytestmark = pytest.mark.acceptance


@pytest.fixture(params=[None, 0.001], ids=["solved", "solver killed"])
def swept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A demo home after its first sweep, opened anew."""
    house = fresh_home(tmp_path / "demo")
    settle_in(house, quiet)
    house.toolbox.hard_kill_seconds = request.param
    assert_all_accounted_for(house.desk.sweep())
    house.close()
    again = open_home(Settings(home=tmp_path / "demo"))
    yield again
    again.close()


def test_every_case_of_the_demo_replays_to_identical_quantities(swept: House, request: pytest.FixtureRequest) -> None:
    with swept.database.read() as connection:
        proposed = {proposal.content.case_id for proposal in list_proposals(connection, EVERYTHING)}
        cases = [row.case.case_id for row in list_cases(connection, EVERYTHING) if row.case.case_id in proposed]
    assert len(cases) > 20
    paths = set()
    for case_id in cases:
        for replay in swept.desk.replay(case_id):
            assert replay.same, replay.differences
            paths.add(replay.solver_path.split("+")[0])
    assert paths <= ({"greedy_fallback"} if "killed" in request.node.name else {"milp", "lp_rounded"})
