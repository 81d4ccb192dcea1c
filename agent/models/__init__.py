"""The one door to a language model: settings, egress, bounds, and one kind of result. See :mod:`agent.models.door`."""
