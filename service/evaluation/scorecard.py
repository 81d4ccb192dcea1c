"""The scorecard of golden scenarios: how many passed, of which kind, how sure that is, and what failed and why."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from math import sqrt
from pathlib import Path

from inventory.record import Record
from service.errors import InputError
from service.evaluation.end_state import EndState, end_state
from service.evaluation.flips import FlipCheck, check_flips
from service.evaluation.judging import Aspect, Check, judge, same_but_for_words
from service.evaluation.runner import BY_ID, empty_home, furnished, play
from service.evaluation.said import Said, look_through
from service.evaluation.scenario import Category, Scenario
from service.evaluation.world import World

Z_95 = 1.959963984540054
"""Level of a standard normal that 97.5 % lie below."""
ASPECTS: tuple[Aspect, ...] = (
    "case", "action", "quantity", "tier", "citation", "forbidden", "document", "twin", "step",
)  # fmt: skip
WRITTEN = {"G": "before the code", "U": "afterwards"}
"""By the letter of its id: when a scenario was written."""
Tell = Callable[[str, int, int], None]


class Share(Record):
    """So many of so many, and the 95 % interval of the true share."""

    name: str
    passed: int
    of: int
    low: float
    high: float


class Result(Record):
    """What came of one scenario."""

    id: str
    category: Category
    title: str
    checks: tuple[Check, ...]
    said: Said
    flips: tuple[FlipCheck, ...]

    @property
    def failures(self) -> tuple[Check, ...]:
        """What was not as expected."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def passed(self) -> bool:
        """Whether everything was as expected and nothing unsupported was said."""
        flips = all(flip.holds for flip in self.flips)
        return not (self.failures or self.said.unsupported or self.said.invalid_citations) and flips


class Scorecard(Record):
    """All scenarios that were played."""

    seed: int
    scenarios: tuple[Share, ...]
    """In all, by whether they were there before the code, then by category."""
    checks: tuple[Share, ...]
    """By what was checked."""
    flips: Share
    said: Said
    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        """Whether every scenario passed."""
        return all(result.passed for result in self.results)


def share(name: str, outcomes: Iterable[bool]) -> Share:
    """How many are true, with the interval of Wilson (1927).

    Examples
    --------
    >>> half = share("heads", [True, False])
    >>> half.low, half.high
    (0.0945, 0.9055)
    """
    held = list(outcomes)
    passed, n = sum(held), len(held)
    if not n:
        return Share(name=name, passed=0, of=0, low=0.0, high=1.0)
    rate, z2 = passed / n, Z_95**2 / n
    middle = (rate + z2 / 2) / (1 + z2)
    reach = Z_95 / (1 + z2) * sqrt(rate * (1 - rate) / n + z2 / (4 * n))
    return Share(
        name=name, passed=passed, of=n, low=round(max(middle - reach, 0.0), 4), high=round(min(middle + reach, 1.0), 4)
    )


def chosen(scenarios: Sequence[Scenario], only: Sequence[str]) -> tuple[Scenario, ...]:
    """Scenarios by id, all when none is named.

    Raises
    ------
    InputError
        If an id is not among them.
    """
    known = {scenario.id for scenario in scenarios}
    if unknown := sorted(set(only) - known):
        raise InputError(f"no scenario {', '.join(unknown)}; there are {min(known)} to {max(known)}")
    return tuple(scenario for scenario in scenarios if not only or scenario.id in only)


def evaluate(scenarios: Sequence[Scenario], only: Sequence[str], seed: int, tell: Tell) -> Scorecard:
    """Play scenarios, each in a temporary home, and judge what each left behind.

    Parameters
    ----------
    scenarios
        All there are, so that twins can be compared.
    only
        Ids of those to play; empty: all.
    seed
        Added to the seed of every noisy demand; 0 is the world as it is written.
    tell
        Told which scenario is next, how many are done and of how many.
    """
    wanted = chosen(scenarios, only)
    twins = {scenario.twin for scenario in wanted if scenario.twin}
    needed = [one for one in scenarios if one in wanted or one.id in twins]
    ends: dict[str, EndState] = {}
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="evenkeel-") as folder:
        template = empty_home(Path(folder) / "empty")
        # A scenario comes after its twin, whose end it is compared with.
        for number, scenario in enumerate(sorted(needed, key=lambda one: (bool(one.twin), one.id))):
            tell(scenario.id, number, len(needed))
            result, end = _judged(scenario, seed, template, Path(folder) / scenario.id, ends)
            ends[scenario.id] = end
            if scenario in wanted:
                results.append(result)
    return _card(seed, sorted(results, key=lambda result: result.id))


def _judged(
    scenario: Scenario, seed: int, template: Path, home: Path, ends: dict[str, EndState]
) -> tuple[Result, EndState]:
    world = with_seed(scenario.world, seed)
    with furnished(world, template, home) as house:
        steps = [
            Check(aspect="step", expected=f"{one.step}: {one.expected}", seen=one.seen, passed=False)
            for one in play(scenario, world, house)
        ]
        end = end_state(house)
        said, flips = look_through(house, BY_ID["central"]), tuple(check_flips(house))
    checks = [*steps, *judge(scenario.expect, world, end)]
    if scenario.twin:
        checks.append(same_but_for_words(end, ends[scenario.twin]))
    result = Result(
        id=scenario.id, category=scenario.category, title=scenario.title, checks=tuple(checks), said=said, flips=flips
    )
    return result, end


def with_seed(world: World, seed: int) -> World:
    """The world with other noise: the weeks of noisy places are drawn anew, everything else stays."""
    places = tuple(
        place.model_copy(update={"demand": place.demand.model_copy(update={"seed": place.demand.seed + seed})})
        if place.demand.noise
        else place
        for place in world.places
    )
    return world.model_copy(update={"places": places})


def _card(seed: int, results: Sequence[Result]) -> Scorecard:
    by_category = sorted({result.category for result in results})
    checks = [check for result in results for check in result.checks]
    flips = [flip.holds for result in results for flip in result.flips]
    asked = [aspect for aspect in ASPECTS if any(check.aspect == aspect for check in checks)]
    return Scorecard(
        seed=seed,
        scenarios=(
            share("all", (result.passed for result in results)),
            *(share(when, (one.passed for one in results if one.id[0] == letter)) for letter, when in WRITTEN.items()),
            *(share(name, (one.passed for one in results if one.category == name)) for name in by_category),
        ),
        checks=tuple(share(name, (one.passed for one in checks if one.aspect == name)) for name in asked),
        flips=share("flip points", flips),
        said=sum((result.said for result in results), Said()),
        results=tuple(results),
    )
