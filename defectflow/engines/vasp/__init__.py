"""VASP: inputs by its own rules, runs under custodian, outputs judged by their numbers."""
