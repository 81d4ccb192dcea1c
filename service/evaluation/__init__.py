"""Sets by which Evenkeel is judged: written rules with questions, and golden scenarios."""
