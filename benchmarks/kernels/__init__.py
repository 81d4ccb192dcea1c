"""Kernels of the mathematics beside their peers and beside the machine, a module per room with ``measure()``."""
