"""A network played day by day, and what would happen if."""
