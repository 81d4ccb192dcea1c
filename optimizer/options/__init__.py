"""What could be done, priced through one engine: every option is a change of the arrival schedule or of demand."""
