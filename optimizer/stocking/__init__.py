"""How much to keep and to order: levels, quantities, policies."""
