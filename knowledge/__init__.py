"""Written rules: text to passages, an index, and a ranking that is the same on every rebuild."""
