"""Stock across levels of a network: where to hold it and how much."""
