"""The questions that need policy, rights or the graphs, and the registry of all of them."""
