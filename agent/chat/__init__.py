"""The chat graph: a question is understood, vetted, answered from tools, and worded in facts alone."""
