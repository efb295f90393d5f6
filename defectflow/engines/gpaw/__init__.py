"""GPAW: open PAW code, PBE, plane waves. It runs as its own process, never in the caller's."""
