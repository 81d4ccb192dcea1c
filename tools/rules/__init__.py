"""Machine rules as constraints: what clauses in force ask of plans, options, replenishment and the gate."""
