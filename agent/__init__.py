"""The steps and the judgement: graphs, drafting, grounding and the approval policy."""
