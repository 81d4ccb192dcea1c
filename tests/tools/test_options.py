"""The priced table of what could be done: complete, consistent, and honest about what would change it."""

from __future__ import annotations

import re
from dataclasses import replace as swap
from pathlib import Path

import numpy as np
import pytest

from inventory.cases import find_case
from inventory.proposals import find_situation
from inventory.records import EVERYTHING, ActionKind, CaseKind, Option, Proposal, ProposalState, Situation
from optimizer.options import price_options
from tests.tools.networks import amended, one_trouble_each, set_column
from tests.worlds import World, two_sites_one_lane, two_stores_one_donor
from tools.assemble import _decided, drivers, plan_outlook, rank_options
from tools.needs import donor_floor
from tools.options import best, option_rows
from tools.plan import needs_of


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Every kind of trouble, swept."""
    built = World(tmp_path_factory.mktemp("options") / "home", one_trouble_each(), rollout="guided").furnish()
    built.desk.sweep()
    return built
