"""Errors of the agent package.

AgentError
├── PolicyError           the approval policy cannot be read, or contradicts itself
├── GroundingError        prose holds a figure, date or id that no fact stands behind
└── DecisionRefusedError  a person may not decide this, or not now
"""


class AgentError(Exception):
    """Root of everything this package raises on purpose."""


class PolicyError(AgentError):
    """The approval policy is unreadable, incomplete or contradicts itself; the message names the key."""


class GroundingError(AgentError):
    """Prose says something no fact stands behind; the message lists every violation."""


class DecisionRefusedError(AgentError):
    """A person may not decide this, or not now; the message says why in plain words."""
