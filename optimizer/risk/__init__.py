"""Stock and stockouts by day."""
