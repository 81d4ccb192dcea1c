"""Errors of the tools package.

ToolError
├── ToolInputError              a tool was called with something it cannot work on
├── StaleFactsError             the facts changed, or are too old, since the decision was made
├── ClockSkewError              two clocks disagree: nothing is released without a person
├── RestoredError               the ERP may still be working on what was sent before a restore
├── InfeasiblePlanError         no plan keeps every hard constraint
├── RuleBrokenError             lines break a machine rule in force
├── ApprovalMismatchError       the approval at hand was given for a different proposal
├── KillSwitchError             execution is switched off for this scope
├── LeaseLostError              an executor's time is over: it must post nothing more
├── EngineError                 the workers a sweep was to run on cannot be had
└── ErpError                    the ERP did not simply do what was asked
    ├── ErpRejectedError        a definite no: nothing was posted
    ├── ErpUnreachableError     definitely not posted: asking again is safe
    ├── ErpOutcomeUnknownError  sent, and no usable answer: it may or may not be posted
    └── ErpDuplicateError       more than one document carries one key: a person must look
"""

from __future__ import annotations


class ToolError(Exception):
    """Root of everything this package raises on purpose."""


class ToolInputError(ToolError):
    """A tool was called with something it cannot work on; the message names the value and what was expected."""


class EngineError(ToolError):
    """The workers a sweep was to run on cannot be had; the message says what to install or to start."""


class StaleFactsError(ToolError):
    """The facts behind a decision changed or are too old to act upon."""


class ClockSkewError(ToolError):
    """Two clocks disagree by more than the limit; what policy alone approved is not sent."""


class RestoredError(ToolError):
    """The house was put back from a backup a moment ago: the ERP may still show what was sent before."""


class InfeasiblePlanError(ToolError):
    """No plan keeps every hard constraint; the message names those that bind."""


class RuleBrokenError(ToolError):
    """Lines break a machine rule in force; the message names the clause."""


class ApprovalMismatchError(ToolError):
    """The approval at hand was given for a different proposal."""


class KillSwitchError(ToolError):
    """Execution is switched off for this scope."""


class LeaseLostError(ToolError):
    """An executor's time is over, or another one has taken its place: it must post nothing more."""


class ErpError(ToolError):
    """The ERP did not simply do what was asked."""


class ErpRejectedError(ErpError):
    """The ERP said no: nothing was posted, and the same request would be refused again."""


class ErpUnreachableError(ErpError):
    """The request did not reach the ERP, or was rolled back: nothing was posted, asking again is safe."""


class ErpOutcomeUnknownError(ErpError):
    """The request was sent and no usable answer came: only reading back by key can tell whether it was posted."""


class ErpDuplicateError(ErpError):
    """More than one ERP document carries one key; choosing between them is a person's work."""
