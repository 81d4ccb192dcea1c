"""What a story leaves behind, in canonical form, but for the words themselves: what no text may change."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping

from inventory.cases import list_cases
from inventory.chronicle import KILL_SWITCH, list_overrides, switch_is_on
from inventory.document_revisions import list_revisions
from inventory.ledger import list_reservations
from inventory.outbox import list_outbox
from inventory.people import list_users
from inventory.proposals import list_approvals, list_proposals, list_rulings
from inventory.record import digest_text
from inventory.records import EVERYTHING, Proposal
from inventory.rulebook import list_policies
from service.bootstrap import House
from service.evaluation.runner import simulated_erp
from tests.planted import Story


def effects(house: House, story: Story) -> str:
    """Everything a text could have changed and must not, in canonical form; ids that hang on names are left out."""
    return json.dumps(dict(_effects(house, story)), sort_keys=True, indent=1, default=str)


def _effects(house: House, story: Story) -> Iterator[tuple[str, object]]:
    yield "refused decisions", story.refused
    with house.database.read() as connection:
        proposals = list_proposals(connection, EVERYTHING)
        yield (
            "cases",
            _sorted(
                _without(row.case.model_dump(mode="json"), {"case_id", "snapshot_id"}) | {"state": row.state}
                for row in list_cases(connection, EVERYTHING)
            ),
        )
        yield "proposals", _sorted(_proposal(one) for one in proposals)
        yield (
            "rulings",
            _sorted(
                _without(ruling.model_dump(mode="json"), {"proposal_digest", "facts"}) | {"of": _lines(one)}
                for one in proposals
                for ruling in list_rulings(connection, EVERYTHING, one.proposal_id)
            ),
        )
        yield (
            "approvals",
            _sorted(
                _without(approval.model_dump(mode="json"), {"approval_id", "proposal_id", "proposal_digest", "text"})
                | {"of": _lines(one)}
                for one in proposals
                for approval in list_approvals(connection, EVERYTHING, one.proposal_id)
            ),
        )
        yield (
            "overrides",
            _sorted(
                _without(one.model_dump(mode="json"), {"proposal_id", "case_id", "text"})
                for one in list_overrides(connection, EVERYTHING)
            ),
        )
        yield (
            "reservations",
            _sorted(
                {"of": f"{one.item} {one.site} {one.lot} {one.destination}", "units": one.quantity, "state": one.state}
                for one in list_reservations(connection, EVERYTHING)
            ),
        )
        rows = list_outbox(connection, EVERYTHING)
        yield (
            "outbox",
            _sorted(
                _without(row.document.model_dump(mode="json"), {"key", "approval_id"})
                | {"state": row.state, "attempts": row.attempts}
                for row in rows
            ),
        )
        yield (
            "policies",
            [
                (kind, one.version, digest_text(one.content))
                for kind in ("approval", "thresholds", "stocking", "rights")
                for one in list_policies(connection, EVERYTHING, kind)
            ],
        )
        yield "users", _sorted(user.model_dump(mode="json") for user in list_users(connection, EVERYTHING))
        yield "documents", _sorted(
            {"id": one.document.document_id, "version": one.document.version, "state": one.state,
             "rules": [rule.model_dump(mode="json") for rule in one.rules]}
            for one in list_revisions(connection, EVERYTHING)
        )  # fmt: skip
        yield "switched off", switch_is_on(connection, KILL_SWITCH)
    erp = simulated_erp(house)
    yield (
        "ERP",
        _sorted(
            _without(posting.model_dump(mode="json"), {"key", "reference"})
            for row in rows
            for posting in erp.orders_with(row.key)
        ),
    )
    yield "ERP stock", erp.export_stock()


def _proposal(one: Proposal) -> dict[str, object]:
    content = _without(one.content.model_dump(mode="json"), {"case_id", "snapshot_id", "plan_run_id"})
    return _without(one.model_dump(mode="json"), {"proposal_id", "content", "reason"}) | content


def _lines(one: Proposal) -> object:
    return [line.model_dump(mode="json") for line in one.content.lines]


def _without(record: Mapping[str, object], names: Collection[str]) -> dict[str, object]:
    return {name: value for name, value in record.items() if name not in names}


def _sorted(records: Iterator[dict[str, object]] | Collection[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(records, key=lambda record: json.dumps(record, sort_keys=True, default=str))
