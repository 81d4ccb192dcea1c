"""Every function of the mathematics that the house calls has its arrays damaged by the harness, or says why not."""

import ast
import importlib
import pkgutil
from pathlib import Path

import tests.optimizer.calls

ROOT = Path(__file__).resolve().parents[2]
TAKES_CHECKED_RECORDS = {
    "options.back_test.confidence_back_test": "OptionRows check themselves",
    "options.confidence.ranking_confidence": "OptionRows and ParameterDraws check themselves",
    "options.option_flips.delay_flips": "a Ranked and a surface come from checked OptionRows",
    "options.option_flips.penalty_flips": "a Ranked and a surface come from checked OptionRows",
    "options.option_flips.unit_cost_flips": "a Ranked comes from checked OptionRows",
    "options.pricing.price_on": "OptionRows check themselves",
    "options.pricing.shelf_days": "a surface comes from checked OptionRows",
    "options.pricing.surface_of": "OptionRows check themselves",
    "transfers.answer.plan_of": "a TransferProblem checks itself",
    "replenishment.decision.decide": "its one argument is a ReplenishmentInput, which checks itself",
    "simulation.network.simulate": "a World checks itself; the planner is code",
    "simulation.scenarios.compare": "a Setup checks itself; the planners are code",
    "transfers.solve.solve_transfers": "a TransferProblem checks itself",
    "transfers.check.verify_plan": "a TransferProblem checks itself, and the plan is what is being checked",
}


def doors() -> set[str]:
    """Functions and records of `optimizer` that a package above imports, as ``room.file.name``."""
    found = set()
    for package in ("tools", "service"):
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("optimizer."):
                    module = importlib.import_module(node.module or "")
                    for alias in node.names:
                        home = getattr(getattr(module, alias.name), "__module__", "")
                        if callable(getattr(module, alias.name)) and home.startswith("optimizer."):
                            found.add(f"{home.removeprefix('optimizer.')}.{alias.name}")
    return found


def functions(names: set[str]) -> set[str]:
    """Those that are functions: records are made by functions, or registered by their rooms."""
    return {name for name in names if name.rsplit(".", 1)[1].islower()}


def test_every_function_the_house_calls_is_damaged_by_the_harness() -> None:
    registered = {
        call.name
        for room in pkgutil.iter_modules(tests.optimizer.calls.__path__)
        for call in importlib.import_module(f"tests.optimizer.calls.{room.name}").CALLS
    }
    called = functions(doors())
    assert len(called) > 20
    assert called - registered - set(TAKES_CHECKED_RECORDS) == set()
