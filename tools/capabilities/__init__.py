"""What may be asked of Evenkeel: one typed function for each question, for chat, command line and other programs."""
