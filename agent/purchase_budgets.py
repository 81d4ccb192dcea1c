"""Budgets of the contract for the gate: who proposes spends first, and what is over budget holds none of it.

The share a site may use without asking the budget's owner is the approval policy's; the strictest place of a proposal
counts where it is ruled on, that of the receiving site where it is drafted.
"""

from __future__ import annotations

from functools import cache

from sqlalchemy import Connection

from agent.gate_facts import Place
from agent.policy_document import ApprovalPolicy
from agent.ruling import policy_book
from inventory.capacity import Claim, Shortage
from inventory.contract_budgets import hold_budgets, spend_budgets
from inventory.database import Transaction
from inventory.records import Proposal
from tools.budget_use import Percent, budget_claims, budgets_of, sites_drawing
from tools.toolbox import Toolbox


def budget_percent(toolbox: Toolbox, connection: Connection) -> Percent:
    """Share of its budgets each site may use, by the policy in force now."""
    book = policy_book(connection, at=toolbox.now())
    region_of = dict(toolbox.snapshot().table("sites").select("site", "region").iter_rows())

    @cache
    def at(site: str) -> int:
        return book.over([Place(region=region_of.get(site) or "", site=site)]).purchase_budget.percent_above

    return at


def hold_budget(
    toolbox: Toolbox, transaction: Transaction, proposal: Proposal, policy: ApprovalPolicy
) -> Shortage | None:
    """Hold what a draft or a pending proposal spends of its budgets; why it holds nothing when it does not fit."""
    return hold_budgets(transaction, proposal.proposal_id, _claims(toolbox, proposal, policy))


def spend_budget(toolbox: Toolbox, transaction: Transaction, proposal: Proposal, policy: ApprovalPolicy) -> None:
    """The last signature is given: the budgets are spent, over their limit where their owner agreed to it."""
    spend_budgets(transaction, proposal.proposal_id, _claims(toolbox, proposal, policy))


def _claims(toolbox: Toolbox, proposal: Proposal, policy: ApprovalPolicy) -> list[Claim]:
    sites = sites_drawing(proposal.content)
    if not sites:
        return []
    budgets = budgets_of(toolbox.snapshot(), toolbox.now().date(), sites)
    return budget_claims(proposal.content, budgets, lambda site: policy.purchase_budget.percent_above)
