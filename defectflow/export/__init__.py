"""Tables and figures, each with the numbers beside it."""
