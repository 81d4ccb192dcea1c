"""Every read takes a scope: shown by the signatures, so that a new reader without one fails here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, get_type_hints

import pytest
from sqlalchemy import Connection

from inventory import (
    cases,
    chronicle,
    delegations,
    document_revisions,
    document_windows,
    escalations,
    ledger,
    machine_rules,
    machine_rules_suggestions,
    outbox,
    people,
    policy_drafts,
    proposals,
    rights_history,
    rulebook,
)
from inventory.database import Transaction
from inventory.records import EVERYTHING, Scope
from tests.inventory.worlds import GHENT, PORTO

STORES = (
    cases, proposals, ledger, outbox, people, delegations, escalations, rulebook, policy_drafts, rights_history,
    chronicle, document_revisions, document_windows, machine_rules,
    machine_rules_suggestions,
)  # fmt: skip

WITHOUT_SCOPE = {
    "inventory.rights_history.rights_then": "it rebuilds everybody's rights; only rights_at hands them out, narrowed",
    "inventory.rights_history.rights_differences": "it looks for damage, which is nobody's scope; pages narrow it",
    "inventory.people.user_by_token": "it finds out who asks: there is no scope before it has answered",
    "inventory.document_windows.corpus_digest": "a digest that names the corpus of an index; no title, text or site",
    "inventory.document_windows.windows": "ids, versions and days; the texts and rules behind them are narrowed",
    "inventory.document_revisions.peek_revision": "it looks whether a version is there before it is written",
    "inventory.rulebook.newest_version": "the number a next version follows; no text of any policy",
    "inventory.proposals.count_plan_runs": "a number that keeps plan run ids apart; nothing of what they hold",
    "inventory.chronicle.switch_is_on": "one bit that binds everybody; it is about no site and no class",
}


def public_functions(module: ModuleType) -> Iterator[Callable[..., Any]]:
    """Functions a module defines itself and does not hide."""
    for name, value in vars(module).items():
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_"):
            yield value


def readers() -> list[Callable[..., Any]]:
    """Every public function of the stores that is handed a reading connection."""
    return [
        function
        for module in STORES
        for function in public_functions(module)
        if Connection in get_type_hints(function).values()
    ]


def name_of(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__name__}"


@pytest.mark.parametrize("reader", readers(), ids=name_of)
def test_every_reader_demands_a_scope(reader: Callable[..., Any]) -> None:
    if name_of(reader) in WITHOUT_SCOPE:
        assert "scope" not in inspect.signature(reader).parameters, "an exception no longer needed"
        return
    assert get_type_hints(reader).get("scope") is Scope, f"{name_of(reader)} reads without a scope"
    parameter = inspect.signature(reader).parameters["scope"]
    assert parameter.default is inspect.Parameter.empty, "a scope that may be left out will be"
    assert list(inspect.signature(reader).parameters)[:2] == ["connection", "scope"]


def test_the_exceptions_exist_and_give_a_reason() -> None:
    assert set(WITHOUT_SCOPE) <= {name_of(reader) for reader in readers()}
    assert all(len(reason) > 20 for reason in WITHOUT_SCOPE.values())


def test_the_stores_have_readers_and_writers_and_nothing_in_between() -> None:
    assert len(readers()) >= 25
    for module in STORES:
        for function in public_functions(module):
            hints = get_type_hints(function)
            assert not (Connection in hints.values() and Transaction in hints.values()), name_of(function)


@pytest.mark.parametrize(
    ("sites", "classes", "seen"),
    [
        (None, None, True),
        ({PORTO}, None, True),
        ({GHENT}, None, False),
        (set(), None, False),
        (None, {"standard"}, True),
        (None, {"regulated"}, False),
        ({PORTO}, {"standard"}, True),
        ({PORTO}, {"regulated"}, False),
        ({GHENT}, {"standard"}, False),
    ],
)
def test_a_scope_allows_what_lies_in_its_sites_and_its_classes(
    sites: set[str] | None, classes: set[str] | None, seen: bool
) -> None:
    scope = Scope.model_validate({"user": "ines", "sites": sites, "item_classes": classes})
    assert scope.allows(PORTO, "standard") is seen


def test_the_service_itself_sees_everything() -> None:
    assert EVERYTHING.allows(PORTO, "regulated")
    assert EVERYTHING.allows("", "")
