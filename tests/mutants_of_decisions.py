"""Wrong changes to the gate, the signatures, the reservations, the outbox, the import, the audit and the trace."""

from __future__ import annotations

from tests.mutant_list import Mutant, one

SIGNING = "tests/agent/test_signing_rights.py"
POLICY = "tests/agent/test_approval_policy.py"
BOOK = "tests/agent/test_policy_book.py"
DECISIONS = "tests/agent/test_decisions.py"
FREEZES = "tests/inventory/test_freezes.py"
CAPACITY = "tests/inventory/test_capacity.py"
BUDGETS = "tests/inventory/test_contract_budgets.py"
OUTBOX = "tests/inventory/test_outbox.py"
ACTIONS = "tests/tools/test_actions.py"
ERP_FAULTS = "tests/tools/test_erp_faults.py"
IMPORTS = "tests/inventory/test_import_gate.py"
HEADS = "tests/inventory/test_heads.py"
TAMPERING = "tests/test_audit_tampering.py"
TRACING = "tests/agent/test_tracing.py"
KEPT_TRACE = "tests/inventory/test_trace.py"
ALONE = "tests/inventory/test_guards_alone.py"

GATE = (
    one(
        "two people a cent later", "gate: two people sign above the limit", "agent/approval_policy.py",
        "two_people=summed_value_minor(facts) > policy", "two_people=summed_value_minor(facts) > 1 + policy", POLICY,
    ),
    one(
        "looser than the bound", "gate: a layer loosens only inside its bound", "agent/policy_book.py",
        "        if is_looser(key, value, bounds[key]):\n", "        if not bounds:\n", BOOK,
    ),
    one(
        "loosen without a bound", "gate: without a bound no layer loosens", "agent/policy_book.py",
        "        if key not in bounds:\n            raise PolicyError",
        "        if key not in bounds:\n            continue\n            raise PolicyError", BOOK,
    ),
    one(
        "everything turns back", "gate: what cannot be undone asks a person", "agent/ruling.py",
        "reversible=effects(content.action, content).reversible", "reversible=True", "tests/agent/test_ruling.py",
    ),
    one(
        "auto budget open", "gate: the auto tier keeps to its budget", "agent/case_graph.py",
        "        ruling = within_auto_budget(transaction, proposal, ruling, policy)\n", "",
        "tests/agent/test_auto_budget.py",
    ),
    one(
        "owner not asked", "gate: the owner of what changes signs", "agent/signing_rights.py",
        '    missing += [f"a signature of {role}" for role in _roles_missing(waiting, counted)]\n', "", SIGNING,
    ),
    one(
        "one person is two", "four eyes: two different people sign", "agent/signing_rights.py",
        "wanted = 2 if waiting.two_people and allowed.tier is Tier.FORMAL else 1", "wanted = 1", SIGNING,
    ),
    one(
        "a delegate is a second person", "four eyes: a delegation makes nobody a second person",
        "agent/signing_rights.py", "        if sound and not signature.persons & seen:\n", "        if sound:\n",
        SIGNING,
    ),
    one(
        "a cent above one's limit", "rights: nobody signs above their limit", "agent/signing_rights.py",
        "if waiting.value_minor <= holder.value_limit_minor:",
        "if waiting.value_minor <= holder.value_limit_minor + 1:", SIGNING,
    ),
    one(
        "a delegation never ends", "rights: a delegation ends", "agent/signing_rights.py",
        "    if delegation.in_force(now):\n", "    if delegation.starts <= now:\n", SIGNING,
        "tests/agent/test_delegated_signing.py",
    ),
    one(
        "the left keep their vote", "rights: who is not active does not sign", "agent/signing_rights.py",
        "        if not person.active:\n            return f", "        if person is None:\n            return f",
        SIGNING,
    ),
    one(
        "sign what has changed", "approval: facts are read again at the click", "agent/deciding/approving.py",
        "    if report.verdict is Verdict.CHANGED:\n", "    if report.verdict is None:\n",
        "tests/agent/test_deciding.py", "tests/agent/test_decision_sequences.py",
    ),
    one(
        "approve what expired", "approval: what expired is not approved", "agent/decisions.py",
        "    if proposal.expires_at <= transaction.now:\n", "    if proposal.expires_at is None:\n", DECISIONS,
    ),
)  # fmt: skip
RESERVATIONS = (
    one(
        "writers at once", "reservation: writers follow one another", "inventory/database.py",
        '_engine(where, "BEGIN IMMEDIATE")', '_engine(where, "BEGIN")', "tests/inventory/test_races.py",
    ),
    one(
        "freeze ignored", "reservation: frozen units are nobody else's", "inventory/ledger.py",
        "    free = lines.on_hand - lines.allocated - lines.protect - lines.frozen - lines.reserved - lines.in_flight\n"
        "    plain", "    free = lines.on_hand - lines.allocated - lines.protect - lines.reserved - lines.in_flight\n"
        "    plain", FREEZES,
    ),
    one(
        "freeze alone", "reservation: two people freeze", "inventory/freezes.py",
        '    _second(asked.set_by, transaction.actor, "set")\n', "", FREEZES,
    ),
    one(
        "a unit too many of a lane", "reservation: no lane is overfull", "inventory/capacity.py",
        "        if claim.amount > left:\n", "        if claim.amount > left + 1:\n", CAPACITY,
    ),
    one(
        "capacity never given back", "reservation: refusal gives capacity back", "inventory/ledger.py",
        "    claims = release_capacity(transaction, proposal_id)\n", "    claims = 0\n", CAPACITY,
    ),
    one(
        "a budget spent twice", "reservation: a contract budget is spent once", "inventory/contract_budgets.py",
        "    reserve_capacity(transaction, shared.granted)\n    return shared.refused.get(proposal_id)\n",
        "    return shared.refused.get(proposal_id)\n", BUDGETS,
    ),
    one(
        "an order counted twice", "reservation: money the feed counts is not held", "inventory/capacity_holds.py",
        '        _moved(transaction, shown, "released")\n', "", BUDGETS,
    ),
    one(
        "take without looking", "reservation: one conditional update per line", "inventory/ledger.py",
        '            .where(AT_PLACE, free >= bindparam("units"))\n', "            .where(AT_PLACE)\n",
        "tests/inventory/test_ledger.py", "tests/inventory/test_freezes.py",
    ),
)  # fmt: skip
EXECUTION = (
    one(
        "fencing unchecked", "outbox: an old executor writes nothing", "inventory/outbox.py",
        "        .where(*unchanged, *([] if lease is None else [newest(lease)]))\n", "        .where(*unchanged)\n",
        ALONE,
    ),
    one(
        "missing where state", "outbox: of two executors one moves a document", "inventory/outbox.py",
        "unchanged = [outbox.c.key == row.key, outbox.c.state == row.state.value, outbox.c.attempts == row.attempts]",
        "unchanged = [outbox.c.key == row.key]", OUTBOX,
    ),
    one(
        "two executors", "outbox: one executor at a time", "inventory/executors.py",
        "    if known.lease_until > transaction.now:\n", "    if known.lease_until > until:\n",
        ERP_FAULTS, ACTIONS, "tests/test_races.py::test_two_executors_at_once_post_one_document",
    ),
    one(
        "post when late", "outbox: who slept posts nothing", "tools/executor.py",
        "        if lost or late:\n", "        if lost and late:\n", ERP_FAULTS,
    ),
    one(
        "a void one's document waits", "outbox: nothing waits that nobody will send", "tools/intake.py",
        "    withdraw(transaction, proposal_id, why)\n", "", "tests/tools/test_intake.py",
    ),
    one(
        "one key for all documents", "outbox: the key is of digest and number", "inventory/outbox.py",
        'f"{proposal_digest}\\n{number}"', 'f"{proposal_digest}\\n"', OUTBOX,
    ),
    one(
        "believe every no", "outbox: a no is looked up", "tools/posting.py",
        '        return _accept(toolbox, row, posting, "reconciliation", executor)\n    posted_by',
        '        return _conclude(toolbox, row, DocumentState.FAILED, executor, note=why)\n    posted_by', ERP_FAULTS,
    ),
    one(
        "receipt before the answer", "outbox: nothing is executed that was not answered", "tools/posting.py",
        "            unknown, note = True, str(error)\n",
        "            unknown, note = False, str(error)\n", ERP_FAULTS,
    ),
    one(
        "kill switch once", "outbox: the kill switch binds before each document", "tools/posting.py",
        "    if switched_off:\n        raise", "    if switched_off and row.attempts < 0:\n        raise", ACTIONS,
    ),
    one(
        "recalled and sent", "outbox: nothing leaves in the recall window", "tools/actions.py",
        "        if proposal.not_before is not None and proposal.not_before > now:\n            raise",
        "        if proposal.not_before is not None and proposal.not_before < now:\n            raise", ACTIONS,
    ),
)  # fmt: skip
IMPORT = (
    one(
        "half a file is enough", "import: a table that shrank is refused", "inventory/importing/gate.py",
        "        if frame.height >= SHRINK_LIMIT * before:\n", "        if frame.height >= 0:\n", IMPORTS,
    ),
    one(
        "from the future", "import: data of the future is refused", "inventory/importing/gate.py",
        "    if as_of > limit:\n", "    if as_of > limit.replace(year=9999):\n", IMPORTS,
    ),
    one(
        "ledger left behind", "import: the ledger follows the snapshot in its transaction",
        "inventory/importing/gate.py", "            when_current(transaction, snapshot)\n", "            pass\n",
        "tests/tools/test_intake.py",
        "tests/test_promises_in_depth.py::test_rule_5_a_snapshot_below_the_promise_voids_the_newest_with_a_diff",
    ),
    one(
        "the later import wins", "import: of two at once one counts", "inventory/snapshots.py",
        "        if (last.snapshot_id if last else None) != manifest.parent_id:\n",
        "        if last is None and manifest.parent_id:\n",
        "tests/inventory/test_snapshots.py",
    ),
)  # fmt: skip
AUDIT = (
    one(
        "head not signed", "audit: each commit is signed", "inventory/anchor.py",
        "            head = self._next_head(descriptor, max(links, key=lambda link: link.sequence))\n",
        "            head = None\n", HEADS,
    ),
    one(
        "heads may be dropped", "audit: a dropped head is found", "inventory/audit_heads.py",
        "    if anchored_to > newest:\n", "    if anchored_to < 0:\n", ALONE,
    ),
    one(
        "heads say nothing", "audit: a rewritten log is not what was signed", "inventory/audit_heads.py",
        "    if hashes.get(head.sequence) != head.hash:\n", "    if head.sequence not in hashes:\n", ALONE,
    ),
    one(
        "the database keeps no head", "audit: an anchor put back is found", "inventory/audit_heads.py",
        "    if head is not None and head.sequence > (kept or 0):\n",
        "    if head is not None and head.sequence < 0:\n",
        TAMPERING, HEADS,
    ),
    one(
        "a replayed head passes", "audit: heads follow one another", "inventory/heads.py",
        "    if head.previous != (before.link if before else GENESIS):\n", "    if not head.previous:\n",
        ALONE,
    ),
    one(
        "an arrow without its entry", "audit: every arrow is in the log", "inventory/lifecycle.py",
        '            "set": {name: _plain(value) for name, value in sorted(columns.items())},\n',
        '            "set": {},\n', "tests/test_audit_whole.py",
        "tests/test_audit_tampering.py::test_the_run_itself_raises_no_alarm",
    ),
)  # fmt: skip
TRACE = (
    one(
        "secrets on record", "trace: no secret is written", "tools/tracing.py",
        "said = {part: redacted(text, known) for", "said = {part: text for", TRACING,
    ),
    one(
        "words of other sites", "trace: no words of another site are shown", "inventory/trace.py",
        "            if covers(scope, load(Span, row.body).sites):\n", "            if row.words:\n", KEPT_TRACE,
    ),
    one(
        "a tree of its own after the pause", "trace: a case is one tree across pauses", "tools/tracing.py",
        "span_id_of(place.trace_id, name, key)", "span_id_of(place.trace_id, name, step.began.isoformat())", TRACING,
    ),
)  # fmt: skip
OF_DECISIONS: tuple[Mutant, ...] = (*GATE, *RESERVATIONS, *EXECUTION, *IMPORT, *AUDIT, *TRACE)
