"""The doors: command line, HTTP API and wiring."""
