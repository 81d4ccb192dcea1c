"""A golden scenario: a small world, what happens in it, and the state of the database that must come of it.

A scenario is a TOML file. Its story is for people, its expectation for code: cases, proposals and documents are judged
by what stands in the database at the end, never by a text. An expectation states what must hold and leaves open what
may differ: a field that is not given is not judged.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from inventory.records import ActionKind, CaseKind, Tier
from service.errors import ServiceError
from service.evaluation.world import Part, Rows, World

Action = Annotated[ActionKind, Field(strict=False)]
Kind = Annotated[CaseKind, Field(strict=False)]
Level = Annotated[Tier, Field(strict=False)]
Category = Literal[
    "lead_time_miss", "demand", "data_problem", "multi_site_shortage", "sop_escalation", "ambiguous", "sop_conflict",
    "late_supplier", "excess", "injected_text", "line_down",
]  # fmt: skip
SCENARIOS = Path(__file__).parent / "scenarios"


class ScenarioError(ServiceError):
    """A scenario file is not what it should be; the message names file, field, value and what was expected."""


class Import(Part):
    """The feeds of today are delivered; after an execution they show what the ERP has posted since."""

    do: Literal["import"]


class Sweep(Part):
    """Detection, planning and the gate run over the current snapshot."""

    do: Literal["sweep"]


class Pass(Part):
    """Time goes by."""

    do: Literal["pass"]
    days: int = Field(default=0, ge=0)
    minutes: int = Field(default=0, ge=0)


class Decide(Part):
    """A person decides on the proposal that waits for an item at a site."""

    do: Literal["decide"]
    person: Literal["planner", "approver", "central", "finance", "buyer"]
    verb: Literal["approve", "reject"]
    item: str
    site: str
    refused: bool = False
    """The house must refuse this decision."""


class Dispatch(Part):
    """Whatever may be sent by now is sent to the ERP."""

    do: Literal["dispatch"]


class ErpAnswer(Part):
    """How the ERP answers the next document: its name of the fault."""

    do: Literal["erp_answer"]
    fault: Literal["reject", "unreachable", "lose_request", "lose_answer", "duplicate"]


class Reconcile(Part):
    """What became of documents left half-way is found out."""

    do: Literal["reconcile"]


Step = Annotated[Import | Sweep | Pass | Decide | Dispatch | ErpAnswer | Reconcile, Field(discriminator="do")]


class ExpectedCase(Part):
    """Cases that are not closed, of one of some kinds, about an item, site, supplier or cause."""

    kinds: Rows[Kind] = Field(min_length=1)
    item: str = ""
    site: str = ""
    """A site of one of its findings."""
    supplier: str = ""
    cause: str = ""
    exists: bool = True
    """False: there is no such open case, of none of the kinds."""
    count: int | None = Field(default=None, ge=1)
    """Exactly so many such cases."""
    findings: int | None = Field(default=None, ge=1)
    """Findings in all of them together."""


class ExpectedLine(Part):
    """A line of the proposal: units over all lines that fit it are within the range."""

    action: Action
    item: str
    destination: str
    origins: Rows[str] = ()
    """The giving site is one of these."""
    suppliers: Rows[str] = ()
    orders: Rows[str] = ()
    at_least: int = Field(ge=1)
    at_most: int
    multiple_of: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.at_most < self.at_least:
            raise ValueError(f"at_most {self.at_most} is below at_least {self.at_least}")
        return self


class Clause(Part):
    """A clause of one version of a document."""

    document: str
    version: int = Field(ge=1)
    clause: str


class ExpectedProposal(Part):
    """The one live or executed proposal that serves an item at a site: its action, tier, rules and citations."""

    item: str
    site: str
    actions: Rows[Action] = Field(min_length=1)
    lines: Rows[ExpectedLine] = ()
    tiers: Rows[Level] = ()
    """The tier is one of these; empty: not judged."""
    fired: Rows[str] = ()
    """Rules of the approval policy that must be among those that fired."""
    not_fired: Rows[str] = ()
    needs_roles: Rows[str] = ()
    two_people: bool | None = None
    citations: Rows[Clause] = ()
    not_cited: Rows[Clause] = ()
    first_lots: Rows[str] = ()
    """Lots that must be among those taken, before any other is."""


class ExpectedTotal(Part):
    """Units over all live and executed proposals that move an item."""

    action: Action
    item: str
    origin: str = ""
    destination: str = ""
    at_least: int = Field(default=0, ge=0)
    at_most: int = Field(ge=0)
    per_day: bool = False
    """The range holds for each day of departure, not for the sum."""


class Forbidden(Part):
    """No proposal has such a line; empty fields match everything."""

    action: Action
    item: str = ""
    origin: str = ""
    destination: str = ""
    tiers: Rows[Level] = ()
    """Only at these tiers; empty: at any."""


class ExpectedDocuments(Part):
    """Documents the ERP has posted."""

    action: Action
    item: str = ""
    origin: str = ""
    destination: str = ""
    count: int = Field(ge=0)


class Expectation(Part):
    """The state of the database at the end."""

    cases: Rows[ExpectedCase] = Field(min_length=1)
    proposals: Rows[ExpectedProposal] = ()
    totals: Rows[ExpectedTotal] = ()
    forbidden: Rows[Forbidden] = ()
    documents: Rows[ExpectedDocuments] = ()


class Scenario(Part):
    """One golden scenario."""

    id: str = Field(pattern=r"^[GU]\d\d$")
    """G.. was committed before the code it judges, U.. written afterwards by someone who had not seen the code."""
    category: Category
    title: str
    story: str = Field(min_length=80)
    """What a planner would tell, with the arithmetic the expectation follows from."""
    twin: str = ""
    """Scenario that differs in words only: actions, tiers and citations of the two are equal."""
    steps: Rows[Step] = Field(min_length=1)
    world: World
    expect: Expectation

    @model_validator(mode="after")
    def _names_what_is_there(self) -> Self:
        places = {(place.item, place.site) for place in self.world.places}
        for proposal in self.expect.proposals:
            if (proposal.item, proposal.site) not in places:
                raise ValueError(
                    f"expects a proposal for {proposal.item} at {proposal.site}, which is not in the world"
                )
        known = {(document.id, document.version) for document in self.world.documents}
        for proposal in self.expect.proposals:
            for cited in (*proposal.citations, *proposal.not_cited):
                if (cited.document, cited.version) not in known:
                    raise ValueError(f"names {cited.document} version {cited.version}, which is not in the world")
        return self


def read_scenario(path: Path) -> Scenario:
    """A scenario from its file.

    Raises
    ------
    ScenarioError
        If the file is no TOML, or a field is missing, unknown, of another type or out of its range.
    """
    try:
        scenario = Scenario.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ScenarioError(f"{path.name}: {_words(error)}") from error
    if scenario.id != path.stem:
        raise ScenarioError(f"{path.name}: id is {scenario.id!r}, expected {path.stem!r}")
    return scenario


def _words(error: tomllib.TOMLDecodeError | ValidationError) -> str:
    if isinstance(error, tomllib.TOMLDecodeError):
        return f"not TOML: {error}"
    return "; ".join(
        f"{'.'.join(str(part) for part in one['loc']) or 'scenario'}: {one['msg']}, not {one['input']!r:.80}"
        for one in error.errors()
    )


def list_scenarios(folder: Path = SCENARIOS) -> tuple[Scenario, ...]:
    """All scenarios of a folder, by id.

    Raises
    ------
    ScenarioError
        If the folder holds none, or one of them cannot be read, or has a twin that is not there.
    """
    found = tuple(read_scenario(path) for path in sorted(folder.glob("*.toml")))
    if not found:
        raise ScenarioError(f"{folder.name}: no scenario, expected files like G01.toml")
    known = {scenario.id for scenario in found}
    for scenario in found:
        if scenario.twin and scenario.twin not in known:
            raise ScenarioError(f"{scenario.id}: its twin {scenario.twin!r} is not among the scenarios")
    return found
