"""The wrong changes that must not go unnoticed: where, what, which promise it breaks, and who must notice."""

from __future__ import annotations

from dataclasses import dataclass

PROMISES = "tests/test_promises.py::test_"
DEPTH = "tests/test_promises_in_depth.py::test_"


@dataclass(frozen=True)
class Mutant:
    """One wrong change."""

    name: str
    promise: str
    file: str
    changes: tuple[tuple[str, str], ...]
    """Old text, found exactly once, and new text."""
    tests: tuple[str, ...]


def one(name: str, promise: str, file: str, old: str, new: str, *tests: str) -> Mutant:
    """A mutant of a single change."""
    return Mutant(name, promise, file, ((old, new),), tests)


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "unsigned auto tier", "1 an approval is always a record", "tools/actions.py",
        (
            ("        if approval is None:\n", "        if approval is None and proposal.tier is None:\n"),
            ("        if approval.kind == ", "        if approval is not None and approval.kind == "),
        ),
        (f"{PROMISES}rule_1_nothing_executes_without_an_approval_on_record_also_in_the_auto_tier",),
    ),
    one(
        "no recall window", "1 policy's approval can be recalled", "agent/approval_policy.py",
        "return timedelta(minutes=minutes[tier])", "return timedelta(0)",
        f"{DEPTH}rule_1_what_policy_approved_waits_for_its_recall_window",
    ),
    one(
        "any approval fits", "2 an approval names a digest", "inventory/proposals.py",
        'if approval.decision == "approve" and approval.proposal_digest == proposal.digest',
        'if approval.decision == "approve"',
        f"{DEPTH}rule_2_a_line_changed_behind_the_approval_is_not_executed",
    ),
    one(
        "sign what you did not see", "2 a decision names what was seen", "agent/decisions.py",
        "if not proposal.digest.startswith(decision.digest_prefix):", "if not decision.digest_prefix:",
        f"{PROMISES}rule_2_an_edited_line_is_another_proposal_that_the_old_approval_does_not_cover",
    ),
    one(
        "sign your own edit", "2 four eyes", "agent/signing_rights.py",
        "        or _four_eyes(persons, waiting)\n", "",
        f"{PROMISES}rule_2_an_edited_line_is_another_proposal_that_the_old_approval_does_not_cover",
    ),
    one(
        "the graph decides", "3 the graph never decides", "agent/case_graph.py",
        "        if proposal.state in RELEASED and approval is not None:\n            return",
        "        if approval is None:\n"
        "            ruling, _ = rule(toolbox, connection, runtime.context.gate, proposal)\n"
        "            approval = _policy_signature(proposal, ruling, toolbox.now())\n            return",
        f"{PROMISES}rule_3_resuming_the_graph_without_a_decision_in_the_store_decides_nothing",
    ),
    one(
        "second decider wins too", "3 zero rows updated: somebody was first", "inventory/lifecycle.py",
        "            proposals.c.state == proposal.state.value,\n"
        "            proposals.c.state_version == proposal.state_version,\n", "",
        "tests/inventory/test_races.py::test_of_two_movers_with_the_same_read_one_loses",
    ),
    one(
        "tier not looked at again", "3 the tier is recomputed while deciding", "agent/deciding/revalidation.py",
        "stricter = fresh.tier.strictness > asked.tier.strictness", "stricter = fresh.tier.strictness > 9",
        f"{DEPTH}rule_3_a_stricter_tier_found_while_deciding_sends_it_back",
    ),
    one(
        "resend when in doubt", "4 without a native key nothing is resent", "tools/posting.py",
        "    if erp.capabilities.native_key:\n        return _post(", "    if row.key:\n        return _post(",
        f"{PROMISES}rule_4_however_the_erp_misbehaves_it_is_posted_once_or_not_at_all_or_visibly_in_doubt",
    ),
    one(
        "retry without a key", "4 without a native key there is one attempt", "tools/posting.py",
        "attempts = ATTEMPTS if erp.capabilities.native_key else 1", "attempts = ATTEMPTS",
        f"{PROMISES}rule_4_however_the_erp_misbehaves_it_is_posted_once_or_not_at_all_or_visibly_in_doubt",
    ),
    one(
        "believe the answer", "4 what was posted is compared line by line", "tools/posting.py",
        "wrong = differences(row.document, posting)", "wrong: tuple[str, ...] = ()",
        f"{PROMISES}rule_4_however_the_erp_misbehaves_it_is_posted_once_or_not_at_all_or_visibly_in_doubt",
    ),
    one(
        "post before it is marked", "4 nothing is lost or doubled by a kill", "tools/posting.py",
        "    with toolbox.database.write(actor, toolbox.now()) as transaction:\n"
        "        row = move_document(transaction, row, DocumentState.SENT, lease=executor.lease)\n",
        "    erp.post(row.document.model_copy(update={'key': f'{row.key}X'}))\n"
        "    with toolbox.database.write(actor, toolbox.now()) as transaction:\n"
        "        row = move_document(transaction, row, DocumentState.SENT, lease=executor.lease)\n",
        "tests/test_crashes.py::test_after_a_kill_nothing_is_lost_nothing_is_doubled_and_the_case_goes_on",
    ),
    one(
        "forget what a kill left", "4 the case goes on after a kill", "agent/desk.py",
        "            open_missing_outcomes(transaction)\n", "            pass\n",
        "tests/test_crashes.py::test_after_a_kill_nothing_is_lost_nothing_is_doubled_and_the_case_goes_on",
    ),
    one(
        "absorb without our key", "5 absorbed only when the feeds show our key", "inventory/ledger.py",
        "if held.key not in shown_keys or not fresh:", "if held.key is None:",
        f"{PROMISES}rule_5_the_units_of_a_transfer_are_counted_once_whatever_the_next_snapshot_shows",
    ),
    one(
        "count what the feed shows", "5 a unit is counted once", "tools/toolbox.py",
        "if row.key in shown or row.state is DocumentState.FAILED", "if row.state is DocumentState.FAILED",
        f"{PROMISES}rule_5_the_units_of_a_transfer_are_counted_once_whatever_the_next_snapshot_shows",
    ),
    one(
        "promise twice", "5 the same unit is never promised twice", "inventory/ledger.py",
        '.values(reserved=lines.reserved + bindparam("units"))', ".values(reserved=lines.reserved)",
        f"{DEPTH}rule_5_no_unit_is_promised_twice_when_two_want_it",
    ),
    one(
        "keep what was put off", "5 refusal and snooze give the units back", "agent/deciding/sleeping.py",
        "    release(transaction, proposal.proposal_id)\n    rest(transaction, proposal, f\"snoozed",
        "    rest(transaction, proposal, f\"snoozed",
        f"{DEPTH}rule_5_what_is_refused_or_put_off_gives_its_units_back",
    ),
    one(
        "keep what expired", "5 expiry gives the units back", "agent/deciding/sleeping.py",
        "            release(transaction, proposal.proposal_id)\n            set_case_state(",
        "            set_case_state(",
        f"{DEPTH}rule_5_what_nobody_decides_expires_and_gives_its_units_back",
    ),
    one(
        "anchor nothing", "6 the chain's head goes to a second place", "inventory/database.py",
        "        self.anchor.append(transaction.entries)\n", "",
        f"{PROMISES}rule_6_a_fact_and_its_entry_commit_together_or_not_at_all",
    ),
    one(
        "leave a gap", "6 recovery anchors what a kill left out", "agent/desk.py",
        "if entry.sequence not in known]", "if entry.sequence > max(known, default=0)]",
        "tests/test_audit_whole.py::test_verify_says_how_many_events_are_not_anchored_and_recovery_anchors_them",
    ),
    one(
        "do not read the rows", "6 a changed row is found and named", "inventory/chain.py",
        "    if entry_hash(entry.sequence, entry.previous, entry.hashed_fields) != entry.hash:\n",
        "    if not entry_hash(entry.sequence, entry.previous, entry.hashed_fields):\n",
        "tests/test_audit_whole.py",
    ),
    one(
        "do not ask the anchor", "6 a rewritten log is found", "inventory/audit.py",
        "    if anchored.get(expected, entry.hash) != entry.hash:\n", "    if not entry.hash:\n",
        "tests/test_audit_whole.py",
    ),
    one(
        "obey the model", "7 no tier comes from a model's words", "agent/case_graph.py",
        "        save_ruling(transaction, proposal.proposal_id, ruling)\n",
        "        from inventory.proposals import find_explanation\n"
        "        said = find_explanation(transaction.connection, EVERYTHING, proposal.proposal_id)\n"
        '        if said is not None and "tier auto" in said.text:\n'
        '            ruling = ruling.model_copy(update={"tier": Tier.AUTO})\n'
        "        save_ruling(transaction, proposal.proposal_id, ruling)\n",
        f"{PROMISES}rule_7_no_word_of_a_model_reaches_a_quantity_a_tier_or_the_erp",
    ),
    one(
        "only these are digits", "7 a digit outside a slot is refused", "agent/grounding.py",
        'if unicodedata.category(character) in {"Nd", "Nl", "No"}:', 'if character in "0123456789":',
        f"{PROMISES}rule_7_every_figure_of_a_draft_was_computed",
    ),
    one(
        "obey a document", "8 text is evidence, never instruction", "agent/case_graph.py",
        "        save_ruling(transaction, proposal.proposal_id, ruling)\n",
        "        read = list_citations(transaction.connection, EVERYTHING, proposal.proposal_id)\n"
        '        if any("pre-approved" in citation.text for citation in read):\n'
        '            ruling = ruling.model_copy(update={"tier": Tier.AUTO})\n'
        "        save_ruling(transaction, proposal.proposal_id, ruling)\n",
        f"{PROMISES}rule_8_a_document_that_gives_orders_is_quoted_and_never_obeyed",
    ),
    one(
        "cannot do without a model", "9 everything works with no model", "agent/drafting.py",
        "        focus = focus_on(case, situation, proposal)\n",
        '        import urllib.request\n        urllib.request.urlopen("http://192.0.2.1/v1/chat", timeout=1)\n'
        "        focus = focus_on(case, situation, proposal)\n",
        f"{PROMISES}rule_9_a_case_runs_from_detection_to_receipt_without_any_model",
    ),
    one(
        "the last rule stands", "10 the strictest rule stands", "agent/approval_policy.py",
        "tier=strictest(*(rule.tier for rule in fired)),", "tier=fired[-1].tier,",
        f"{DEPTH}rule_10_above_the_ceiling_a_person_decides",
        f"{PROMISES}rule_10_the_gate_is_deterministic_monotone_and_fails_closed",
    ),
    one(
        "fail open", "10 a missing fact is advice", "agent/approval_policy.py",
        '_fire("missing_fact", Tier.ADVICE,', '_fire("missing_fact", Tier.AUTO,',
        f"{PROMISES}rule_10_the_gate_is_deterministic_monotone_and_fails_closed",
    ),
    one(
        "a cent above is within", "10 a value above the limit needs a person", "agent/approval_policy.py",
        "if summed_value_minor(facts) > limit_minor:", "if summed_value_minor(facts) > limit_minor + 1:",
        f"{PROMISES}rule_10_the_gate_is_deterministic_monotone_and_fails_closed",
    ),
    one(
        "deaf kill switch", "10 the kill switch binds at once", "tools/actions.py",
        "        if switch_is_on(connection, KILL_SWITCH):\n            raise",
        "        if switch_is_on(connection, KILL_SWITCH) and proposal.tier is None:\n            raise",
        f"{DEPTH}rule_10_the_kill_switch_binds_at_once",
    ),
    one(
        "forget the solver's path", "11 replay forces the recorded path", "tools/replay.py",
        "force_path=run.solver_path,", "force_path=None,",
        f"{PROMISES}rule_11_a_plan_made_when_the_solver_was_killed_replays_too",
    ),
    one(
        "replay says yes", "11 a changed decision does not replay", "tools/replay.py",
        '"same": result.same and not extra,', '"same": True,',
        f"{DEPTH}rule_11_a_plan_run_that_was_changed_does_not_replay",
    ),
    one(
        "send it back", "12 a reverse move needs formal approval", "agent/approval_policy.py",
        '_fire("reverse_move", Tier.FORMAL,', '_fire("reverse_move", Tier.PLANNER,',
        f"{PROMISES}rule_12_goods_are_not_sent_to_and_fro",
    ),
    one(
        "no rest", "12 a lane rests after a move", "agent/approval_policy.py",
        "    if not facts.cool_down_active:\n", "    if facts is not None:\n",
        f"{DEPTH}rule_12_the_same_lane_rests_after_a_move",
    ),
    one(
        "the machine's clock", "13 the clock is an argument", "tools/toolbox.py",
        "        return self.clock()\n", "        return datetime.now().astimezone()\n",
        f"{PROMISES}rule_13_equal_inputs_give_equal_outputs",
        f"{DEPTH}rule_13_only_the_door_reads_the_machines_clock_and_nobody_draws_unseeded",
    ),
    one(
        "one moment, one plan", "13 sweeps may follow at a standing clock", "tools/plan.py",
        "        run = _numbered(transaction.connection, run)\n", "",
        "tests/test_races.py::test_two_sweeps_at_once_and_the_same_sweep_twice_find_the_same_cases_"
        "and_reserve_no_unit_twice",
    ),
    one(
        "wait for words", "14 no transaction waits for a model", "agent/case_graph.py",
        "        explanation = runtime.context.drafter.draft(case, situation, proposal, citations)\n",
        '        with toolbox.database.write("evenkeel", toolbox.now()):\n'
        "            explanation = runtime.context.drafter.draft(case, situation, proposal, citations)\n",
        f"{PROMISES}rule_14_the_code_is_synchronous_and_no_transaction_is_open_while_words_are_made",
    ),
    one(
        "look over the fence", "15 a reader sees their own sites", "inventory/proposals.py",
        "    if scope.sites is None and scope.item_classes is None:\n        return query\n    case_seen",
        "    if scope.user:\n        return query\n    case_seen",
        f"{PROMISES}rule_15_a_reader_sees_their_own_sites_and_nothing_else",
    ),
    one(
        "lose a case", "shown + held back + automatic = found", "agent/sweep_graph.py",
        "held_back=len(what) - what.count(SHOWN) - what.count(AUTOMATIC),", "held_back=0,",
        f"{PROMISES}what_is_held_back_is_counted_and_says_why",
    ),
    one(
        "the leaves meet", "the house: three leaves, one trunk", "optimizer/laws/loss.py",
        "import numpy as np\n", "import numpy as np\nimport sqlalchemy  # noqa: F401\n",
        "tests/test_house.py::test_imports_point_down_and_the_leaves_do_not_know_each_other",
    ),
)  # fmt: skip
