"""Laws of demand over an interval: moments, tails, losses, quantiles."""
