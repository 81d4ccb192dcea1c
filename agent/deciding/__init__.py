"""What people decide about a proposal, one verb or idea a file; :mod:`agent.decisions` is the door."""
