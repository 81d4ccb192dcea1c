"""Mathematics for inventory exceptions: arrays in, answers out; no ids, no clock, no global randomness."""
