"""The commands of ``evenkeel``; their modules import nothing heavy before a command runs."""
