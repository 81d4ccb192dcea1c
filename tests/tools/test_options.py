"""The priced table of what could be done: complete, consistent, and honest about what would change it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from inventory.cases import find_case
from inventory.proposals import find_situation
from inventory.records import EVERYTHING, ActionKind, CaseKind, Option, ProposalState, Situation
from optimizer.options.pricing import price_options
from optimizer.options.rows import OptionRows
from tests.tools.networks import amended, look, one_trouble_each, set_column
from tests.worlds import ItemSite, Lane, Network, World, two_sites_one_lane, two_stores_one_donor
from tools.assemble import drivers
from tools.detect import detect
from tools.needs import donor_floor, surplus_units
from tools.option_by_hand import offers_by_hand
from tools.option_facts import OptionFacts, Substitute
from tools.options import best, describe, offers, option_rows, price, price_all
from tools.outlook import Outlook
from tools.plan import needs_of, plan_parameters
from tools.planning import NeedPlan, solve_needs
from tools.triage import group_findings

SHRINKING = (ActionKind.MARKDOWN, ActionKind.RETURN_TO_SUPPLIER, ActionKind.PUSH_OUT)
MINIMUM = 5.0
"""Least net benefit worth acting for, as packaged."""


def solved(world: World) -> tuple[Outlook, tuple[NeedPlan, ...]]:
    """Every need of a furnished world, decided jointly, nothing written."""
    outlook, thresholds = look(world)
    cases = group_findings(detect(outlook, thresholds), outlook, thresholds, world.toolbox.snapshot())
    needs = [need for case in cases for need in needs_of(case, outlook, thresholds)]
    lanes = world.toolbox.lanes(world.toolbox.snapshot())
    plan = solve_needs(outlook, needs, lanes, plan_parameters(world.toolbox, thresholds))
    return outlook, plan.needs


def table(outlook: Outlook, decided: NeedPlan) -> tuple[Option, ...]:
    return describe(
        outlook, decided.need.row, list(decided.offers), decided.moves, chosen=decided.chosen,
        minimum_net_benefit=MINIMUM, seed=1, draws=32,
    )  # fmt: skip


@pytest.fixture(scope="module")
def decided(
    troubled: World, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Outlook, NeedPlan, tuple[Option, ...]]]:
    """Needs of three networks with their tables."""
    worlds = [troubled]
    for number, network in enumerate((two_sites_one_lane(), two_stores_one_donor())):
        worlds.append(World(tmp_path_factory.mktemp("options") / f"home{number}", network).furnish())
    return [(outlook, plan, table(outlook, plan)) for outlook, plans in map(solved, worlds) for plan in plans]


Decided = list[tuple[Outlook, NeedPlan, tuple[Option, ...]]]


def test_hold_is_always_a_row_that_costs_and_saves_nothing(decided: Decided) -> None:
    for _, _, options in decided:
        (hold,) = [option for option in options if option.action is ActionKind.HOLD]
        assert (hold.quantity, hold.cost_minor, hold.shortage_avoided_minor, hold.net_value_minor) == (0, 0, 0, 0)
        assert hold.feasible


def test_the_chosen_option_comes_first_and_the_rest_by_net_value(decided: Decided) -> None:
    for _, plan, options in decided:
        assert [option.chosen for option in options] == [True, False, False, False]
        assert options[0].action is plan.offers[plan.chosen].action
        possible = [option.net_value_minor for option in options[1:] if option.feasible]
        assert possible == sorted(possible, reverse=True)
        assert {option.action for option in options} == {
            ActionKind.HOLD, ActionKind.TRANSFER, ActionKind.PURCHASE, ActionKind.EXPEDITE,
        }  # fmt: skip


def test_net_value_is_what_is_avoided_less_what_it_costs_to_the_cent(decided: Decided) -> None:
    """Where surplus is relieved elsewhere, that is added: an imbalance."""
    for _, plan, options in decided:
        for option in options:
            relief = plan.need.relief_per_unit * option.quantity if option.action is ActionKind.TRANSFER else 0.0
            parts = option.shortage_avoided_minor - option.cost_minor + round(100 * relief)
            assert option.net_value_minor == pytest.approx(parts, abs=2)


def test_what_cannot_be_done_says_why_and_is_never_chosen(decided: Decided) -> None:
    impossible = [option for _, _, options in decided for option in options if not option.feasible]

    assert {option.binding_constraint for option in impossible} == {
        "no other site keeps this item", "the supplier offers no expedite",
    }  # fmt: skip
    assert not any(option.chosen for option in impossible)
    assert all(option.quantity == 0 for option in impossible)


def test_the_limit_named_is_the_one_that_binds(decided: Decided) -> None:
    named = set()
    for outlook, plan, options in decided:
        (transfer,) = [option for option in options if option.action is ActionKind.TRANSFER]
        if not transfer.feasible:
            continue
        (move,) = plan.moves
        left = outlook.arrays.free[move.donor_row] - move.units - donor_floor(outlook, move.donor_row)
        named.add(transfer.binding_constraint)
        match transfer.binding_constraint:
            case "the need itself":
                assert transfer.quantity >= plan.need.units
            case "what donors can give above their floors, in whole lots":
                assert left < move.lane.lot
            case other:
                assert other == "further units are worth more in other cases, or cost more than they save"
                assert left >= move.lane.lot
                assert transfer.quantity < plan.need.units
    assert len(named) > 1


def _winner(outlook: Outlook, plan: NeedPlan, change: Callable[[OptionRows], OptionRows]) -> int:
    rows = option_rows(outlook, plan.need.row, list(plan.offers))
    return best(price_options(change(rows)), list(plan.offers), MINIMUM)


def test_a_flip_point_is_where_a_scan_sees_the_answer_change(decided: Decided) -> None:
    """Brute force: every cost per unit in steps of a cent."""
    checked = 0
    for outlook, plan, options in decided:
        found = re.search(r"wins until it costs ([0-9.]+) per unit", options[0].flip_point)
        if found is None:
            continue
        stated = float(found[1])

        def with_cost(rows: OptionRows, value: float, chosen: int = plan.chosen) -> OptionRows:
            cost = rows.unit_cost + rows.of("freight_per_unit")
            cost[chosen] = value
            return replace(rows, unit_cost=cost, freight_per_unit=None)

        around = np.round(np.arange(stated - 0.1, stated + 0.1, 0.01), 2)
        answers = [_winner(outlook, plan, lambda rows, v=value: with_cost(rows, v)) for value in around]  # type: ignore[misc]  # bound now
        first = next(value for value, answer in zip(around, answers, strict=True) if answer != plan.chosen)
        assert first == pytest.approx(stated, abs=0.011)
        assert all(_winner(outlook, plan, lambda r, v=v: with_cost(r, v)) == plan.chosen for v in (0.0, stated / 2))  # type: ignore[misc]  # bound now
        checked += 1
    assert checked >= 4


def test_none_in_range_means_none_in_range(decided: Decided) -> None:
    checked = 0
    for outlook, plan, options in decided:
        if "no option wins even at 20 times" not in options[0].flip_point:
            continue
        for factor in np.linspace(1.0, 20.0, 77):
            assert plan.chosen == _winner(
                outlook,
                plan,
                lambda rows, f=factor: replace(rows, penalty_per_unit=rows.penalty_per_unit * f),  # type: ignore[misc]  # bound now
            )
        checked += 1
    assert checked >= 1


def test_a_hold_for_want_of_gain_says_when_acting_wins(tmp_path: Path) -> None:
    """An order that gains 2.85 is not worth the trouble; a little dearer a shortage, and it is."""
    network = Network(
        (ItemSite("OTHER", "DC", weekly=1, on_hand=9), ItemSite("SHORT", "NORTH", weekly=20, on_hand=4)),
        (Lane("DC", "NORTH"),),
    )
    dear = set_column("supplier_items", pl.lit(295.0).alias("order_cost"))
    outlook, (plan,) = solved(World(tmp_path / "home", amended(network, dear)).furnish())
    hold, purchase = table(outlook, plan)[:2]

    assert (hold.action, purchase.action) == (ActionKind.HOLD, ActionKind.PURCHASE)
    assert 0 < purchase.net_value_minor < 100 * MINIMUM
    assert hold.flip_point == "acting wins once a unit short costs 1.01 times as much"


def test_a_break_even_penalty_is_where_an_option_is_worth_nothing(decided: Decided) -> None:
    checked = 0
    for outlook, plan, options in decided:
        if plan.need.relief_per_unit:
            continue
        by_action = {offer.action: index for index, offer in enumerate(plan.offers)}
        rows = option_rows(outlook, plan.need.row, list(plan.offers))
        for option in options:
            if option.break_even_penalty_minor is None:
                continue
            even = option.break_even_penalty_minor / 100
            for penalty, worth in ((even - 0.02, -1), (even + 0.02, 1)):
                values = price_options(replace(rows, penalty_per_unit=np.full(4, penalty)))
                assert np.sign(values.net_value[by_action[option.action]]) == worth
            checked += 1
    assert checked >= 4


def test_doing_more_than_nothing_never_lowers_service(decided: Decided) -> None:
    for _, _, options in decided:
        hold = next(option for option in options if option.action is ActionKind.HOLD)
        assert all(0.0 <= hold.service_after <= option.service_after <= 1.0 for option in options)
        assert all(0.0 <= option.confidence <= 1.0 for option in options)


def test_equal_facts_price_equally(decided: Decided) -> None:
    for outlook, plan, options in decided:
        assert table(outlook, plan) == options
        assert np.array_equal(
            price(outlook, plan.need.row, list(plan.offers)).net_value,
            price(outlook, plan.need.row, list(plan.offers)).net_value,
        )


def test_drivers_add_up_to_the_units_short(troubled: World) -> None:
    outlook, thresholds = look(troubled)
    cases = group_findings(detect(outlook, thresholds), outlook, thresholds, troubled.toolbox.snapshot())
    seen = set()
    for case in cases:
        found = drivers(outlook, case)
        rows = [outlook.arrays.row_of[(finding.item, finding.site)] for finding in case.findings]
        short = sum(outlook.short_units(row) for row in rows)
        if case.kind is CaseKind.EXCESS:
            assert found == ()
            continue
        assert sum(driver.units for driver in found) == pytest.approx(short, abs=0.01)
        assert all(driver.units > 0 for driver in found)
        assert sum(driver.money_minor for driver in found) == pytest.approx(case.money_at_risk.margin, abs=3)
        seen |= {(case.kind, driver.name) for driver in found}
    assert (CaseKind.SUPPLIER_DELAY, "late_supply") in seen
    assert (CaseKind.PROJECTED_STOCKOUT, "too_little_ordered") in seen


def test_the_kept_situation_holds_facts_and_options_of_what_is_proposed(tmp_path: Path) -> None:
    world = World(tmp_path / "home", one_trouble_each(), rollout="guided").furnish()
    world.desk.sweep()
    for proposal in world.proposals(ProposalState.PENDING):
        with world.database.read() as connection:
            situation = find_situation(connection, EVERYTHING, proposal.proposal_id)
            case = find_case(connection, EVERYTHING, proposal.content.case_id).case
        assert isinstance(situation, Situation)
        (chosen,) = [option for option in situation.options if option.chosen]
        assert situation.options[0] == chosen
        assert chosen.action is proposal.content.action
        assert chosen.quantity == sum(line.quantity for line in proposal.content.lines)
        assert [(fact.item, fact.site) for fact in situation.facts] == [(f.item, f.site) for f in case.findings]
        assert situation.money_at_risk_minor == case.money_at_risk.total


def test_many_needs_priced_together_are_each_priced_as_alone_to_the_bit(decided: Decided) -> None:
    by_look: dict[int, list[NeedPlan]] = {}
    looks = {}
    for outlook, plan, _ in decided:
        looks[id(outlook)] = outlook
        by_look.setdefault(id(outlook), []).append(plan)
    for key, plans in by_look.items():
        rows, tables = [plan.need.row for plan in plans], [list(plan.offers) for plan in plans]
        for row, offered, together in zip(rows, tables, price_all(looks[key], rows, tables), strict=True):
            alone = price(looks[key], row, offered)
            for name in ("net_value", "cost", "expected_short_after", "expected_leftover"):
                np.testing.assert_array_equal(getattr(alone, name), getattr(together, name))


def test_printed_parts_of_a_cost_sum_to_it_exactly_and_name_who_pays(decided: Decided) -> None:
    for _, _, options in decided:
        for option in options:
            assert sum(option.cost_parts_minor.values()) == option.cost_minor
            if option.quantity:
                assert option.paid_by


@pytest.fixture(scope="module")
def by_hand(decided: Decided) -> list[tuple[Outlook, NeedPlan, tuple[Option, ...]]]:
    """The same needs with everything a person could do besides."""
    cards = []
    for outlook, plan, _ in decided:
        items = set(outlook.arrays.items) - {outlook.arrays.items[plan.need.row]}
        stands_in = tuple(Substitute(item, 0.5, True) for item in sorted(items))
        facts = OptionFacts({outlook.arrays.items[plan.need.row]: stands_in}, frozenset(outlook.arrays.sites))
        more = list(plan.offers) + offers_by_hand(outlook, plan.need.row, list(plan.offers), facts)
        cards.append((outlook, replace(plan, offers=tuple(more)), table(outlook, replace(plan, offers=tuple(more)))))
    return cards


def test_every_kind_of_option_is_on_the_card_or_says_why_not(by_hand: Decided) -> None:
    seen: set[ActionKind] = set()
    for _, _, options in by_hand:
        kinds = {option.action for option in options}
        assert {
            ActionKind.TRANSFER_AND_PURCHASE, ActionKind.PULL_IN, ActionKind.SPLIT, ActionKind.SUBSTITUTE,
            ActionKind.PARAMETER_CHANGE, ActionKind.REALLOCATE,
        } <= kinds  # fmt: skip
        seen |= {option.action for option in options if option.feasible and option.quantity}
        assert all(option.feasible or option.binding_constraint for option in options)
    assert {ActionKind.PULL_IN, ActionKind.SPLIT, ActionKind.REALLOCATE, ActionKind.SUBSTITUTE} <= seen


def test_what_a_person_must_do_is_never_chosen_by_itself_however_good(by_hand: Decided) -> None:
    better = 0
    for outlook, plan, options in by_hand:
        offered = list(plan.offers)
        values = price(outlook, plan.need.row, offered)
        chosen = best(values, offered, MINIMUM)
        assert offered[chosen].executable
        better += any(value > values.net_value[chosen] for value in values.net_value)
        hand = [option for option in options if not option.executable]
        assert hand
        assert not any(option.chosen or option.confidence for option in hand)
    assert better


def test_options_by_hand_leave_the_prices_of_the_others_alone(decided: Decided, by_hand: Decided) -> None:
    for (outlook, plan, _), (_, more, _) in zip(decided, by_hand, strict=True):
        plain = price(outlook, plan.need.row, list(plan.offers))
        full = price(outlook, plan.need.row, list(more.offers))
        np.testing.assert_array_equal(full.net_value[: len(plan.offers)], plain.net_value)


def test_a_substitute_serves_no_more_than_is_accepted_and_costs_its_own_customers(by_hand: Decided) -> None:
    checked = 0
    for _, _, options in by_hand:
        hold = next(option for option in options if option.action is ActionKind.HOLD)
        for option in options:
            if option.action is ActionKind.SUBSTITUTE and option.feasible:
                assert 0.0 <= option.shortage_avoided_units <= option.quantity + 1.0
                assert option.other_channels_units >= 0.0
                assert option.service_after >= hold.service_after - 1e-9
                checked += 1
    assert checked


def test_surplus_can_be_marked_down_returned_or_kept_from_growing(decided: Decided) -> None:
    """Each leaves fewer units than doing nothing; a return takes exactly what it says."""
    seen: set[ActionKind] = set()
    for outlook, _, _ in decided:
        for row in np.flatnonzero(outlook.planned).tolist():
            if surplus_units(outlook, row) < 1:
                continue
            table = offers(outlook, row, (), (), facts=OptionFacts())
            values = price(outlook, row, table)
            for index, offer in enumerate(table):
                if not offer.feasible or offer.action not in SHRINKING:
                    continue
                seen.add(offer.action)
                assert values.leftover_added[index] <= 1e-6
                assert values.cost[index] >= 0.0
                if offer.action is ActionKind.RETURN_TO_SUPPLIER:
                    added_short = -values.shortage_avoided_units[index]
                    assert values.leftover_added[index] == pytest.approx(
                        added_short - offer.takes, abs=0.02 * offer.takes + 0.05
                    )
    assert {ActionKind.MARKDOWN, ActionKind.RETURN_TO_SUPPLIER} <= seen


def test_a_transfer_followed_by_an_order_is_priced_on_the_joint_schedule(decided: Decided) -> None:
    checked = 0
    for outlook, plan, _ in decided:
        plain = list(plan.offers)
        transfer, purchase = plain[1], plain[2]
        if not (transfer.feasible and purchase.feasible):
            continue
        half = replace(transfer, quantity=max(transfer.quantity // 4, 1))
        pair = offers_by_hand(outlook, plan.need.row, [plain[0], half, *plain[2:]], OptionFacts())[0]
        if not pair.feasible:
            continue
        values = price(outlook, plan.need.row, [plain[0], half, replace(purchase, quantity=pair.quantity), pair])
        avoided = values.shortage_avoided_units
        scale = 0.01 * float(outlook.demand.mean_per_day[plan.need.row]) * plain[0].arrival.size
        assert max(avoided[1], avoided[2]) - scale <= avoided[3] <= avoided[1] + avoided[2] + scale
        checked += 1
    assert checked
