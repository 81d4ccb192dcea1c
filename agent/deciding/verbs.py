"""What can be decided about a proposal."""

from __future__ import annotations

from enum import StrEnum


class Verb(StrEnum):
    """What can be decided about a proposal."""

    APPROVE = "approve"
    EDIT = "edit"
    """Other quantities, or a line struck: a new version, which goes through the gate."""
    CHOOSE = "choose"
    """Another of the priced options instead: a new version, which goes through the gate."""
    REJECT = "reject"
    RECALL = "recall"
    """Take back what was approved while its recall window runs."""
    ASK = "ask"
    ANSWER = "answer"
    ESCALATE = "escalate"
    SNOOZE = "snooze"
    DELEGATE = "delegate"
    """Hand the task to a named person who may sign."""


OVERRULING = (Verb.EDIT, Verb.CHOOSE, Verb.REJECT, Verb.RECALL)
"""Verbs that decide otherwise than proposed: they take a reason and words, and are judged later."""
