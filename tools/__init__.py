"""Capabilities an agent may use: what can be looked up, computed and done."""
