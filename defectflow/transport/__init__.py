"""From levels to currents: the hand-off from DFT, the four-level chain, exchange at bias, I(V) curves.

Takes records and returns records: nothing here opens a file or knows an engine.
Energies in meV, bias in mV, currents in nA, powers in pW (1 nA x 1 mV).
"""
