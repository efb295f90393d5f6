"""Any finished run, ours or not, in one summary."""

from __future__ import annotations

from pathlib import Path

from defectflow.errors import DefectFlowError, ParseError
from defectflow.run.study import RESULT
from defectflow.schema import CalcResult, RunSummary
from defectflow.schema.jsonio import load_record
from defectflow.schema.summary import summarise


def parse_run(path: Path) -> RunSummary:
    """Summary of a run.

    Parameters
    ----------
    path : Path
        Job folder of a study, folder of a VASP run (files plain or packed), or a vasprun.xml or OUTCAR by itself.

    Raises
    ------
    ParseError
        If there is no finished run, or a file of it is cut off or damaged; the message names the file.
    """
    from defectflow.engines.vasp.summary import read_files, read_one, summarise_vasp

    try:
        if path.is_dir():
            if (path / RESULT).is_file():
                return summarise(load_record(CalcResult, path / RESULT), str(path))
            return summarise_vasp(read_files(path))
        if path.is_file():
            return summarise_vasp(read_one(path))
    except OSError as error:
        raise ParseError(f"cannot be looked at ({error.strerror})", where=str(path)[:200]) from None
    except DefectFlowError as error:
        raise ParseError(error.what, where=error.where or str(path), todo=error.todo) from None
    raise ParseError("no such file or folder", where=str(path))
