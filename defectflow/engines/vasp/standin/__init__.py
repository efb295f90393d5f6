"""A stand-in for VASP: reads its inputs, refuses what it refuses, writes its files, with the numbers of a toy model.

``DEFECTFLOW_VASP_CMD="python -m defectflow.engines.vasp.standin"`` runs it. It is there to exercise the path of a run
where no licence is; every result that comes of it says so. Environment: ``DEFECTFLOW_STANDIN_STEP`` is the seconds
per SCF step, ``DEFECTFLOW_STANDIN_FAULT`` a fault of `faults` as ``name@part-of-the-path``.
"""
