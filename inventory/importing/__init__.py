"""The import gate: feed files in, accepted rows in a snapshot, every other row in quarantine with its reason."""
