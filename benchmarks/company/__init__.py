"""The reference company: 8,000 items, 250 M$ of revenue, before and after."""
