"""The model that needs no model: a planner's language read by rules that are data, the same words the same calls."""
