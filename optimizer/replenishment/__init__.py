"""What to order now, for every item-site."""
