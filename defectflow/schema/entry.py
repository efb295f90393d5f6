"""One spin state of one pair of a study: what was wanted and what came out."""

from __future__ import annotations

from dataclasses import dataclass

from defectflow.schema.cell import PairCell
from defectflow.schema.result import CalcResult


@dataclass(frozen=True, eq=False)
class StateEntry:
    """A spin state with its result.

    Attributes
    ----------
    path : str
        Folder of the job that gives the energy.
    pair : PairCell
        What it was meant to be.
    result : CalcResult or None
        None where there is no result made by the inputs that the study asks for.
    missing : str
        Why there is none, empty otherwise.
    relaxed : CalcResult or None
        Last step of the relaxation that gave the geometry; None where the study relaxes nothing.
    far : tuple of int
        Sites of the dopants' sublattice farthest from both.
    near : tuple of int
        Neighbours of the dopants.
    study : str
        Name of the study that holds it, where states of several stand together; else empty.
    """

    path: str
    pair: PairCell
    result: CalcResult | None
    missing: str
    relaxed: CalcResult | None
    far: tuple[int, ...]
    near: tuple[int, ...]
    study: str = ""

    @property
    def name(self) -> str:
        """Short name for messages: ``pair 4 AF``, behind it a broken start, and the study if it is named."""
        start = "" if self.pair.start == "symmetric" else self.pair.start
        behind = ", ".join(word for word in (start, self.study) if word)
        return f"pair {self.pair.orbit.label} {self.pair.state}" + (f" ({behind})" if behind else "")
