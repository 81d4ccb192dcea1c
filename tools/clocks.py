"""Whether the clocks agree: this machine's, the database server's, the log's and the ERP's.

When two differ by more than ``SKEW_LIMIT`` nothing is released without a person: the gate asks for one, and what
policy approved before waits. Nothing is ever ordered by time, so people's decisions and their execution go on.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select, text

from inventory.records import FiredRule, Tier
from inventory.tables import audit
from inventory.workers import worker_state
from tools.erp.port import ErpPort, TellsTime
from tools.errors import ErpError
from tools.toolbox import Toolbox

SKEW_LIMIT = timedelta(seconds=30)
RULE = "clock_skew"
"""Name of the rule beside the gate's own."""


def clock_problem(toolbox: Toolbox, connection: Connection) -> str:
    """Which clocks disagree, in words; empty while all agree.

    The ERP's is what the worker last found, because whoever rules on a proposal holds no way to the ERP.
    """
    found = (_server(toolbox, connection), _log(toolbox, connection), _erp_as_told(toolbox, connection))
    return "; ".join(words for words in found if words)


def clock_rule(toolbox: Toolbox, connection: Connection) -> FiredRule | None:
    """What disagreeing clocks ask of every proposal: a person."""
    problem = clock_problem(toolbox, connection)
    return FiredRule(rule=RULE, tier=Tier.PLANNER, reason=problem) if problem else None


def erp_skew(erp: ErpPort, now: datetime) -> timedelta | None:
    """How far the ERP's clock is ahead of ours; ``None`` where it tells no time or cannot be asked."""
    if not isinstance(erp, TellsTime):
        return None
    try:
        told: datetime = erp.time()
        return told - now
    except ErpError:
        return None


def erp_problem(toolbox: Toolbox) -> str:
    """Whether the ERP's clock disagrees, asked now; empty while it agrees or tells no time."""
    skew = erp_skew(toolbox.erp, toolbox.now()) if toolbox.erp is not None else None
    return _words("the ERP's clock", skew)


def _server(toolbox: Toolbox, connection: Connection) -> str:
    """The database server's clock against this machine's; a SQLite file has none."""
    if connection.dialect.name != "postgresql":
        return ""
    before = toolbox.machine()
    theirs = connection.execute(text("SELECT clock_timestamp()")).scalar_one().astimezone(UTC)
    after = toolbox.machine()
    return _words("the database server's clock", theirs - (before if theirs < before else min(theirs, after)))


def _log(toolbox: Toolbox, connection: Connection) -> str:
    """The newest entry of the log cannot lie ahead, unless our clock went back or another machine's is ahead."""
    newest = connection.execute(select(audit.c.at).order_by(audit.c.sequence.desc()).limit(1)).scalar_one_or_none()
    if newest is None:
        return ""
    ahead = datetime.fromisoformat(newest) - toolbox.now()
    return _words("the newest entry of the log", ahead) if ahead > timedelta(0) else ""


def _erp_as_told(toolbox: Toolbox, connection: Connection) -> str:
    known = worker_state(connection)
    if known is None or known.erp_skew_seconds is None or known.silent(toolbox.machine()):
        return ""
    return _words("the ERP's clock", timedelta(seconds=known.erp_skew_seconds))


def _words(whose: str, ahead: timedelta | None) -> str:
    if ahead is None or abs(ahead) <= SKEW_LIMIT:
        return ""
    way = "ahead of" if ahead > timedelta(0) else "behind"
    return f"{whose} is {abs(ahead).total_seconds():,.0f} s {way} ours"
