"""What stock will be left over, when, and what it costs."""
