"""Northlight Supply, the demo company: real demand and delays, an invented network around them."""
