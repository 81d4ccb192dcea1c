"""What looks for trouble: a family of kinds a file, each over all item-sites at once.

A detector takes a :class:`~tools.detectors.scan.Scan` and loops only over rows that passed its screen. What concerns
suppliers, policies or the records of the whole network takes a snapshot instead and runs in the health step.
"""
