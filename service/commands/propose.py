"""Proposing at the command line: a form is filled in and shown, and submitted when a person says which one."""

from __future__ import annotations

from typing import Annotated

import typer

from service.commands.options import AsJson, AsUser, signed_in


def propose(
    form: Annotated[
        str, typer.Argument(metavar="FORM", help="In words: 'transfer item=P-320 site=DC-WEST keep_days=14'.")
    ],
    submit: Annotated[
        str | None, typer.Option("--form", metavar="DIGEST", help="Submit the form of this digest to the gate.")
    ] = None,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Fill in a proposal form; with --form, submit it.

    Kinds are transfer, purchase, expedite, pull_in, push_out, split, cancel and count_request. The lines are computed;
    nothing is stored or reserved before the form is submitted, and then the gate rules on it like on any proposal. Who
    submits it may not sign it.
    """
    from agent.capabilities.registry import all_capabilities
    from service.console import out, write_json
    from service.decision_views import standing_words
    from tools.capabilities.forms import read_form_text
    from tools.capabilities.registry import Asking

    asked = read_form_text(form)
    with signed_in(as_user) as (house, user):
        if submit is not None:
            proposal = house.desk.submit(asked, submit, user)
            if as_json:
                write_json(proposal)
            else:
                out().print(f"{proposal.proposal_id}: {standing_words(proposal)}", markup=False, soft_wrap=True)
            return
        with house.database.read() as connection:
            answer = all_capabilities()["prefill_proposal"].run(Asking(house.toolbox, connection, user), asked)
    if as_json:
        write_json(answer)
    else:
        out().print(answer.text, markup=False, soft_wrap=True)
