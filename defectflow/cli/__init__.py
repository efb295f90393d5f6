"""Command line: one thin file per verb, nothing heavy imported before a verb needs it."""
