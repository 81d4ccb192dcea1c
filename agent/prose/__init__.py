"""Reading plain prose: the figures, dates, ids and directions a sentence claims. See :mod:`agent.prose_check`."""
