"""Replay: serves the results of a stored run, for tests and demonstrations; every result says so."""
