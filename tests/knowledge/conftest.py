"""One knowledge base over the demo company's rules for every test that only asks."""

from __future__ import annotations

import pytest

from knowledge import KnowledgeBase
from tests.knowledge.rules import demo_rules


@pytest.fixture(scope="package")
def demo_base(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return KnowledgeBase(demo_rules(), tmp_path_factory.mktemp("index"))
