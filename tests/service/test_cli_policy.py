"""Policies at the command line: shown with layers, checked, compared, tried out, changed by two people, asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.approval_policy import packaged_policy_text
from tests.service.doors import ADMIN, APPROVER, AUDITOR, CENTRAL, MANAGER, PLANNER, Doors
from tools.stocking_policy import packaged_stocking_policy

LAYER = '\n[[layer]]\nsite = "WH-SOUTH"\nauto.transfer.consumable = 100\nnovelty.item_days = 120\n'


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """The packaged policy with a layer for one site."""
    file = tmp_path / "draft.toml"
    file.write_text(packaged_policy_text() + LAYER, encoding="utf-8")
    return file


def proposed(doors: Doors, draft: Path, kind: str = "approval") -> tuple[str, str]:
    """Id and digest of the draft, proposed by the manager."""
    answer = doors.answer("policy", "propose", str(draft), "--kind", kind, "--reason", "south is new", "--as", MANAGER)
    table = doors.knock("policy", "drafts", "--as", AUDITOR).stdout
    digest = next(word for word in table.split() if len(word) == 12 and set(word) <= set("0123456789abcdef"))
    return str(answer["draft_id"]), digest


def test_each_value_is_shown_with_its_layer_once_two_people_adopted_it(doors: Doors, draft: Path) -> None:
    draft_id, digest = proposed(doors, draft)
    own = doors.knock("policy", "confirm", draft_id, "--digest", digest, "--as", MANAGER)
    assert (own.exit_code, "another person must" in own.stderr) == (3, True)
    done = doors.knock("policy", "confirm", draft_id, "--digest", digest, "--as", CENTRAL)
    assert done.exit_code == 0, done.stderr
    assert f"approval policy v2 by {MANAGER}, confirmed by {CENTRAL}" in done.stdout

    def layers(*where: str) -> dict[str, tuple[str, str]]:
        shown = doors.answer("policy", "show", *where, "--as", PLANNER)
        return {value["key"]: (value["value"], value["layer"]) for value in shown}

    south, everywhere = layers("--site", "WH-SOUTH"), layers()
    assert south["auto.transfer.consumable"] == ("100", "site=WH-SOUTH")
    assert south["novelty.item_days"] == ("120", "site=WH-SOUTH")
    assert everywhere["auto.transfer.consumable"] == ("500", "enterprise")
    assert layers("--site", "WH-SOUTH", "--version", "1")["novelty.item_days"] == ("90", "enterprise")


def test_going_back_takes_two_people_as_well(doors: Doors, draft: Path) -> None:
    draft_id, digest = proposed(doors, draft)
    doors.knock("policy", "confirm", draft_id, "--digest", digest, "--as", CENTRAL)
    back = doors.answer("policy", "rollback", "1", "--as", CENTRAL)
    assert (back["content"], back["based_on"]) == (packaged_policy_text(), 2)
    refused = doors.knock("policy", "confirm", back["draft_id"], "--digest", "0" * 12, "--as", MANAGER)
    assert (refused.exit_code, "not the draft you saw" in refused.stderr) == (3, True)
    dropped = doors.knock("policy", "withdraw", back["draft_id"], "--as", CENTRAL)
    assert f"{back['draft_id']} withdrawn" in dropped.stdout


@pytest.mark.parametrize("who", [PLANNER, AUDITOR, ADMIN])
def test_others_may_not_propose(doors: Doors, draft: Path, who: str) -> None:
    refused = doors.knock("policy", "propose", str(draft), "--reason", "mine", "--as", who)
    assert (refused.exit_code, "may not propose" in refused.stderr) == (3, True)


def test_a_check_names_every_problem_with_its_key(still_doors: Doors, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    text = (
        packaged_policy_text()
        .replace("per_planner = 20", "per_planner = 0")
        .replace("item_days = 90", "item_days = -1")
    )
    file.write_text(text, encoding="utf-8")
    refused = still_doors.knock("policy", "check", str(file), "--as", MANAGER)
    assert refused.exit_code == 1
    assert "novelty.item_days" in refused.stdout
    assert "queue.per_planner" in refused.stdout
    assert "2 problems" in refused.stderr
    for kind in ("approval", "stocking", "rights", "thresholds"):
        sound = still_doors.knock("policy", "check", "--kind", kind, "--as", MANAGER)
        assert (sound.exit_code, f"the {kind} policy is sound" in sound.stdout) == (0, True), sound.stderr


def test_the_back_test_is_printed_with_the_check(doors: Doors) -> None:
    assert "not measured yet" in doors.knock("policy", "check", "--as", MANAGER).stdout
    table = doors.answer("policy", "calibrate", "--observations", "200", "--as", APPROVER)
    assert sum(part["observations"] for part in table["bins"]) >= 200
    printed = doors.knock("policy", "check", "--as", MANAGER)
    assert "stayed best" in printed.stdout
    assert f"seed {table['seed']}" in printed.stdout
    assert "problem: confidence.planner_below = 0.6: only" in printed.stdout, "so few choices support no threshold"


def test_calibration_and_simulation_print_what_each_confidence_lets_run_by_itself(doors: Doors) -> None:
    printed = doors.knock("policy", "calibrate", "--observations", "200", "--as", APPROVER).stdout
    assert "moves ruled on were automatic" in printed
    found = doors.answer("policy", "simulate", "1", "--as", CENTRAL)["levels"]
    assert [level["confidence"] for level in found["levels"]] == [0.5, 0.6, 0.7, 0.8, 0.9]
    assert all(level["reached"] is not None for level in found["levels"])
    assert all(level["automatic"] <= found["moves"] for level in found["levels"])


def test_floors_of_a_stocking_draft_are_shown_with_their_rule_and_checked(doors: Doors, tmp_path: Path) -> None:
    file = tmp_path / "stocking.toml"
    rule = '\n[[rules]]\nname = "south keeps more"\nsite = ["WH-SOUTH"]\nfloor_days = 5\nminimum_units = 30\n'
    file.write_text(packaged_stocking_policy() + rule + "maximum_units = 20\n", encoding="utf-8")
    refused = doors.knock("policy", "check", str(file), "--kind", "stocking", "--as", MANAGER)
    assert refused.exit_code == 1
    assert "minimum_units 30 is above maximum_units 20" in refused.stdout
    file.write_text(packaged_stocking_policy() + rule, encoding="utf-8")
    draft_id, digest = proposed(doors, file, "stocking")
    done = doors.knock("policy", "confirm", draft_id, "--digest", digest, "--as", CENTRAL)
    assert done.exit_code == 0, done.stderr

    def shown(site: str) -> dict[str, str]:
        values = doors.answer("policy", "show", "--kind", "stocking", "--site", site, "--as", PLANNER)
        return {value["key"]: value["value"] for value in values if value["layer"] == "south keeps more"}

    assert shown("WH-SOUTH") == {"floor_days": "5.0", "minimum_units": "30"}
    assert shown("ST-ELSEWHERE") == {}


def test_versions_files_and_drafts_are_compared(still_doors: Doors, draft: Path) -> None:
    found = still_doors.answer("policy", "diff", "1", str(draft), "--as", PLANNER)
    assert {change["key"]: change["after"] for change in found} == {
        "layer[site=WH-SOUTH].site": "WH-SOUTH",
        "layer[site=WH-SOUTH].auto.transfer.consumable": "100",
        "layer[site=WH-SOUTH].novelty.item_days": "120",
    }
    assert "no difference" in still_doors.knock("policy", "diff", "1", "--as", PLANNER).stdout
    assert still_doors.knock("policy", "diff", "7", "--as", PLANNER).exit_code == 1
    assert still_doors.knock("policy", "diff", "nowhere.toml", "--as", PLANNER).exit_code == 2


def test_a_draft_is_tried_on_past_decisions(still_doors: Doors, tmp_path: Path) -> None:
    file = tmp_path / "strict.toml"
    text = packaged_policy_text().replace("planner_limit = 5_000", "planner_limit = 100").replace("= 500\n", "= 50\n")
    file.write_text(text.replace("value_limit = 300", "value_limit = 50").replace("= 1_000", "= 50"), encoding="utf-8")
    found = still_doors.answer("policy", "simulate", str(file), "--as", CENTRAL)
    assert found["replayed"] > 0
    assert found["changed"]
    assert found["not_reproduced"] == []
    page = still_doors.knock("policy", "simulate", str(file), "--as", CENTRAL).stdout
    assert f"{found['replayed']} past decisions replayed; {len(found['changed'])} would change" in page
    refused = still_doors.knock("policy", "simulate", str(file), "--as", PLANNER)
    assert (refused.exit_code, "sees some sites" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("words", "tier", "rule"),
    [
        (("--action", "transfer", "--value", "480"), "auto", "allow_list"),
        (("--action", "transfer", "--value", "500.01"), "planner", "allow_list"),
        (("--action", "transfer", "--value", "1", "--fact", "confidence=0.2"), "formal", "confidence"),
        (("--action", "markdown", "--value", "0"), "formal", "valuation"),
        (("--action", "expedite", "--value", "5"), "planner", "supplier_commitment"),
    ],
)
def test_any_hypothetical_action_gets_its_tier_and_why(
    still_doors: Doors, words: tuple[str, ...], tier: str, rule: str
) -> None:
    asked = ("policy", "ask", *words, "--class", "standard", "--site", "WH-SOUTH", "--as", APPROVER)
    answer = still_doors.answer(*asked)
    assert answer["tier"] == tier
    assert rule in {fired["rule"] for fired in answer["fired"]}
    page = still_doors.knock(*asked).stdout
    assert page.startswith(tier)
    assert "assumed: " in page


@pytest.mark.parametrize(
    "words",
    [
        ("--value", "much"),
        ("--value", "1.005"),
        ("--value", "-1"),
        ("--value", "1", "--lane", "DC-EAST"),
        ("--value", "1", "--fact", "confidence"),
    ],
)
def test_a_question_that_cannot_be_understood_says_so(still_doors: Doors, words: tuple[str, ...]) -> None:
    assert still_doors.knock("policy", "ask", "--action", "transfer", *words, "--as", APPROVER).exit_code == 2
