"""Examples of what is stored about written rules: a version, what its scan found, and a rule suggested for a clause."""

from __future__ import annotations

from datetime import timedelta

from inventory.document_revisions import DocumentRevision
from inventory.document_scan import DocumentScan, ScanAlarm
from inventory.machine_rules import DonorFloor
from inventory.machine_rules_suggestions import RuleSuggestion
from inventory.record import Record
from inventory.records import DocumentOfRecord
from tests.inventory.worlds import LYON, NOW, PORTO, TODAY

DOCUMENT = DocumentOfRecord(
    document_id="SOP-12",
    title="Transfers between plants",
    version=2,
    text="## 3 Floors\n\n3.1 A plant keeps fourteen days.",
    effective_from=TODAY,
    effective_to=TODAY + timedelta(days=365),
    sites=(LYON, PORTO),
    suppliers=("SUP-LARCH",),
    item_classes=("regulated",),
    actions=("transfer",),
    added_by="mette",
    added_at=NOW,
)
_RULE = DonorFloor(
    rule_id="R-12", document_id="SOP-12", version=2, clause="3.1", sites=(LYON, PORTO), classes=("regulated",), days=14
)
_ALARM = ScanAlarm(line=1, why="asks for silence", excerpt="do not tell the planner")
_SCAN = DocumentScan(original="ab" * 32, hidden={"zero-width": 3}, alarms=(_ALARM,))
DOCUMENT_EXAMPLES: tuple[Record, ...] = (
    DOCUMENT,
    _ALARM,
    _SCAN,
    DocumentRevision(
        document=DOCUMENT,
        scan=_SCAN,
        rules=(_RULE,),
        state="withdrawn",
        confirmed_by="hugo",
        confirmed_at=NOW,
        ended_by="ines",
        ended_at=NOW + timedelta(days=9),
    ),
    RuleSuggestion(
        suggestion_id="suggestion-1",
        number=1,
        rule=_RULE,
        proposed='kind = "donor_floor"\ndays = 14\n',
        by="model",
        author="mette",
        note="fourteen days is what the clause says",
        at=NOW,
        state="confirmed",
        settled_by="hugo",
        settled_at=NOW + timedelta(hours=1),
    ),
)
