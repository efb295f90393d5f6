"""All energies of one round of a screening."""

from __future__ import annotations

from dataclasses import dataclass

from defectflow.analyse.charged import FiniteSize
from defectflow.analyse.chempot import Limit
from defectflow.analyse.energetics import Capture, Energy, Formation, Transition
from defectflow.schema.screen import Round


@dataclass(frozen=True)
class Energetics:
    """Energies of one round.

    Attributes
    ----------
    step : Round
    limits : tuple of Limit
        Chemical potentials; empty where the round has no reference phases.
    formation : tuple of Formation
    captures : tuple of Capture
    bindings : tuple of Energy
    transitions : tuple of Transition
    corrections : dict of (str, int) to FiniteSize
        By composition and charge.
    missing : tuple of str
        What has no result, with the reason.
    gap : float
        Of the host (eV); zero where no cell of the study is charged.
    """

    step: Round
    limits: tuple[Limit, ...]
    formation: tuple[Formation, ...]
    captures: tuple[Capture, ...]
    bindings: tuple[Energy, ...]
    transitions: tuple[Transition, ...]
    corrections: dict[tuple[str, int], FiniteSize]
    missing: tuple[str, ...]
    gap: float

    @property
    def reasons(self) -> tuple[str, ...]:
        """What stands against any of the energies, each once."""
        formed = [e for f in self.formation for e in f.limits.values()]
        taken = [e for c in self.captures for e in c.energies.values()]
        return tuple(dict.fromkeys(r for e in (*formed, *taken, *self.bindings) for r in e.reasons))

    @property
    def passed(self) -> bool:
        """Whether every energy has its certificate and nothing is missing."""
        return not self.reasons and not self.missing
