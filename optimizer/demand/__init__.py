"""Demand from its history: level, spread, class, change."""
