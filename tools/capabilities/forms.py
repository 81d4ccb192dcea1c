"""Forms somebody may submit: lines computed by the optimizer, within floors, lots and what orders hold.

A form stores nothing and reserves nothing. The same question on the same data gives the same form.
"""

from __future__ import annotations

from pydantic import ValidationError

from inventory.record import digest
from inventory.records import ActionKind, ProposalLine
from tools.capabilities import arguments as a
from tools.capabilities.answer import FormAnswer, Source, SuggestedForm
from tools.capabilities.facts import of_count, of_date, of_days, of_id, of_money, of_units, of_words
from tools.capabilities.form_lines import FormLines, form_lines
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.solving import standing
from tools.capabilities.telling import Row, currency_of, data_source, doubts, known, listing, look_at, narrowed
from tools.errors import ToolInputError

LINES = ("action", "item", "origin", "supplier", "order", "destination", "quantity", "ships", "arrives", "cost")
DIGEST_SHOWN = 12
BOUND = "A written rule bounds it: {{bound}}."
LATE = "It would come later than {{arrive_by}}."
STANDING = "The proposal {{standing}} about it is {{standing_state}}: decide or change it there."


def form_text(asked: a.PrefillProposal) -> str:
    """The question behind a form on one line, as ``evenkeel propose`` takes it.

    Examples
    --------
    >>> form_text(a.PrefillProposal(action="transfer", item="P-1", site="DC", keep_days=14))
    'transfer item=P-1 site=DC keep_days=14'
    """
    given = asked.model_dump(mode="json", exclude_none=True, exclude={"action"})
    words = (f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in given.items())
    return " ".join((asked.action.value, *words))


def read_form_text(text: str) -> a.PrefillProposal:
    """The question that a line holds.

    Raises
    ------
    ToolInputError
        Naming what cannot be understood.
    """
    action, *pairs = text.split() or [""]
    given: dict[str, str] = {"action": action}
    for pair in pairs:
        name, mark, value = pair.partition("=")
        if not mark or not value or name in given:
            raise ToolInputError(f"form {text!r}: expected each name=value once, got {pair!r}")
        given[name] = value
    try:
        return a.PrefillProposal.model_validate_strings(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ToolInputError(f"form {text!r}: {place}: {first['msg']}, got {first['input']!r}") from error


def form_for(asking: Asking, asked: a.PrefillProposal) -> FormLines:
    """The lines of a form as the data stands; none, and why, when nothing can be suggested."""
    outlook, row = look_at(asking, asked.item, asked.site)
    return form_lines(asking, outlook, row, asked)


def suggestion(asking: Asking, asked: a.PrefillProposal, made: FormLines) -> SuggestedForm:
    """The form of some lines."""
    return SuggestedForm(
        asked=asked, lines=made.lines, value_minor=made.value_minor, currency=currency_of(asking),
        snapshot_id=asking.toolbox.snapshot().snapshot_id, asked_by=asking.user.user_id,
    )  # fmt: skip


def prefill_proposal(asking: Asking, asked: a.PrefillProposal) -> FormAnswer:
    """A form with computed lines, and how a person submits it."""
    made = form_for(asking, asked)
    form = suggestion(asking, asked, made) if made.lines else None
    found = listing("line", "The form", LINES, [_row(line, currency_of(asking)) for line in made.lines])
    units = sum(line.quantity for line in made.lines)
    short_of = asked.quantity - units if asked.quantity else 0
    trouble = doubts(asking, asked.site, *(line.origin for line in made.lines if line.origin))
    waiting = standing(asking, asked.item, asked.site)
    late = [line for line in made.lines if asked.arrive_by and line.arrive_on > asked.arrive_by]
    facts = known(
        {
            "action": of_words(asked.action.value.replace("_", " ")),
            "item": of_id("item", asked.item),
            "site": of_id("site", asked.site),
            "why_none": of_words(made.why_none) if made.why_none else None,
            "line_count": of_count(len(made.lines), "line"),
            "quantity": of_units(units),
            "wanted": of_units(asked.quantity) if asked.quantity else None,
            "bound": of_words("; ".join(dict.fromkeys(each.words for each in made.bound))) if made.bound else None,
            "value": of_money(made.value_minor, currency_of(asking)) if made.lines else None,
            "keep": of_days(asked.keep_days) if asked.keep_days is not None else None,
            "arrive_by": of_date(asked.arrive_by) if asked.arrive_by else None,
            "form": of_id("reference", digest(form)[:DIGEST_SHOWN]) if form else None,
            "command": of_words(_command(asked, form)) if form else None,
            "standing": of_id("reference", waiting.proposal.proposal_id) if waiting else None,
            "standing_state": of_words(waiting.proposal.state.value) if waiting else None,
        }
    )
    notes = (
        ("Less than the {{wanted}} asked for can be had.",) if form and short_of > 0 else (),
        ("Minimum and steps of the order make it more than the {{wanted}} asked for.",)
        if form and short_of < 0
        else (),
        (BOUND,) if made.bound else (),
        (LATE,) if late else (),
        (STANDING,) if waiting else (),
    )
    return FormAnswer(
        capability="prefill_proposal",
        found=form is not None,
        facts={**facts, **found.facts, **trouble.facts},
        tables=(found.table,) if made.lines else (),
        sources=(data_source(asking), *_clauses(made)),
        template=_form_words(asked, made),
        notes=(*(note for some in notes for note in some), *trouble.notes, *narrowed(asking)),
        form=form,
        form_digest=digest(form) if form else "",
    )


def _clauses(made: FormLines) -> tuple[Source, ...]:
    """The clauses of the rules that bind, each once."""
    rules = dict.fromkeys((each.rule.document_id, each.rule.version, each.rule.clause) for each in made.bound)
    return tuple(
        Source(kind="document", reference=document, version=version, clause=clause)
        for document, version, clause in rules
    )


def _form_words(asked: a.PrefillProposal, made: FormLines) -> str:
    if not made.lines:
        return "No {{action}} of {{item}} for {{site}} can be filled in: {{why_none}}."
    first = made.lines[0]
    said = "A form for {{action}} of {{quantity}} of {{item}} for {{site}} is filled in, worth {{value}}: "
    if asked.action is ActionKind.COUNT_REQUEST:
        said = "A form for {{action}} of {{item}} at {{site}} is filled in: "
    if first.origin:
        parts = (
            f"{{{{line_{n}_quantity}}}} from {{{{line_{n}_origin}}}} leaving {{{{line_{n}_ships}}}}, usually there by "
            f"{{{{line_{n}_arrives}}}}, for {{{{line_{n}_cost}}}}"
            for n in range(1, min(len(made.lines), 3) + 1)
        )
        said += "; ".join(parts) + "."
    elif asked.action is ActionKind.COUNT_REQUEST:
        said += "the shelf is to be counted."
    else:
        order = " of order {{line_1_order}}" if first.order_id else ""
        said += (
            "{{line_1_quantity}}"
            + order
            + " from {{line_1_supplier}}, there by {{line_1_arrives}}, for {{line_1_cost}}."
        )
    if first.origin and asked.keep_days is not None:
        said += " The giving site keeps at least {{keep}} of demand."
    return said + " Nothing is stored or reserved until a person submits form {{form}} with: {{command}}"


def _command(asked: a.PrefillProposal, form: SuggestedForm) -> str:
    return f'evenkeel propose "{form_text(asked)}" --form {digest(form)[:DIGEST_SHOWN]}'


def _row(line: ProposalLine, currency: str) -> Row:
    return {
        "action": of_words(line.action.value.replace("_", " ")),
        "item": of_id("item", line.item),
        "origin": of_id("site", line.origin, "origin") if line.origin else None,
        "supplier": of_id("supplier", line.supplier, "supplier") if line.supplier else None,
        "order": of_id("reference", line.order_id) if line.order_id else None,
        "destination": of_id("site", line.destination, "destination"),
        "quantity": of_units(line.quantity),
        "ships": of_date(line.ship_on),
        "arrives": of_date(line.arrive_on),
        "cost": of_money(line.cost_minor, currency),
    }


CAPABILITIES: tuple[Capability, ...] = (capability("prefill_proposal", prefill_proposal, FormAnswer),)
