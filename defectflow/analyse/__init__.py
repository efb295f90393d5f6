"""From records to records: certificates, exchange constants, densities of states, alignment.

Nothing here opens a file or knows an engine.
"""
