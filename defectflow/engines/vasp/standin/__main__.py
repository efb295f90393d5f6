"""``python -m defectflow.engines.vasp.standin``, in the folder of a run."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from defectflow.engines.vasp.standin import outcar, xml
from defectflow.engines.vasp.standin.faults import MESSAGES, fault_for
from defectflow.engines.vasp.standin.inputs import RefusedError, RunInputs, read_inputs
from defectflow.engines.vasp.standin.model import DECAY, State, rest_positions, state_of
from defectflow.formats.poscar import poscar_text


class Run:
    """A run in a folder; files grow as those of VASP do."""

    def __init__(self, folder: Path, inputs: RunInputs, fault: str) -> None:
        self.folder, self.inputs, self.fault = folder, inputs, fault
        self.pause = float(os.environ.get("DEFECTFLOW_STANDIN_STEP", "0"))
        for name in ("OUTCAR", "vasprun.xml", "OSZICAR", "CONTCAR"):
            (folder / name).write_text("", encoding="utf-8")

    def add(self, name: str, text: str) -> None:
        """Append to a file."""
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(text)

    def run(self) -> None:
        """All ionic steps, until the forces are small."""
        print(f" vasp.{outcar.VERSION} defectflow stand-in, nothing is calculated", flush=True)
        from_file = self.inputs.number("ICHARG", 2) % 10 == 1 and (self.folder / "CHGCAR").is_file()
        print(f" initial charge density: {'CHGCAR' if from_file else 'overlapping atoms'}", flush=True)
        self.add("OUTCAR", outcar.head(self.inputs))
        self.add("vasprun.xml", xml.head(self.inputs))
        coords, rest = self.inputs.structure.coords, rest_positions(self.inputs)
        most = max(1, int(self.inputs.number("NSW", 0)))
        for ion in range(1, most + 1):
            state = self._flipped(state_of(self.inputs, coords))
            go_on, energy = self._scf(ion, state)
            done = not go_on or ion == most or self._relaxed(state) or (self.fault == "ions" and ion == 2)
            self._end_step(ion, energy, state, coords, done)
            if done:
                break
            coords = rest + DECAY * (coords - rest)
        self._finish(coords)

    def _relaxed(self, state: State) -> bool:
        if self.fault == "ions":
            return False
        largest = float(np.linalg.norm(state.forces, axis=1).max())
        return largest < abs(self.inputs.number("EDIFFG", -0.01))

    def _flipped(self, state: State) -> State:
        if self.fault != "flip":
            return state
        moments = state.moments.copy()
        moments[-1] *= -1
        return State(state.energy, state.forces, moments, state.levels, state.occupations, state.fermi)

    def _scf(self, ion: int, state: State) -> tuple[bool, float]:
        """SCF steps of one geometry; whether to go on, and the energy they came to."""
        self.add("vasprun.xml", " <calculation>\n")
        self.add(
            "OSZICAR", "       N       E                     dE             d eps       ncg     rms          rms(c)\n"
        )
        slow = self.fault == "nelm" and self.inputs.tags.get("ALGO", "").upper() != "ALL"
        rate, residue = (0.97, 1.0) if slow else (0.08, 1.0)
        for step in range(1, int(self.inputs.number("NELM", 60)) + 1):
            change = -residue * (1 - rate) * rate ** (step - 1)
            energy = state.energy + residue * rate**step
            self.add("OUTCAR", outcar.scf_step(ion, step, energy, change, self.inputs))
            self.add("vasprun.xml", xml.scf_step(energy))
            self.add(
                "OSZICAR", f"DAV: {step:3d}   {energy:18.12E}   {change:12.5E}   {0.1 * change:12.5E}  1000   0.1E-01\n"
            )
            print(f"DAV: {step:3d}   {energy:18.12E}", flush=True)
            time.sleep(self.pause)
            self._break_down(step)
            if (self.folder / "STOPCAR").exists():
                return False, energy
            if abs(change) < self.inputs.number("EDIFF", 1e-4) and step >= self.inputs.number("NELMIN", 2):
                return True, energy
        return True, energy

    def _break_down(self, step: int) -> None:
        if step < 3:
            return
        if self.fault in MESSAGES:
            print(MESSAGES[self.fault], flush=True)
            sys.exit(1)
        if self.fault == "hang":
            time.sleep(36000)
        if self.fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "silent":
            sys.exit(0)

    def _end_step(self, ion: int, energy: float, state: State, coords: np.ndarray, last: bool) -> None:
        self.add("OUTCAR", outcar.ionic_step(energy, state, coords, self.inputs))
        self.add("vasprun.xml", xml.ionic_step(energy, state, coords, self.inputs))
        if last:
            self.add("vasprun.xml", xml.last_step(state, self.inputs))
        self.add("vasprun.xml", " </calculation>\n")
        moment = f"  mag= {self.inputs.moments.sum():10.4f}" if self.inputs.tags.get("ISPIN") == "2" else ""
        self.add("OSZICAR", f"{ion:4d} F= {energy:.8E} E0= {energy:.8E}  d E ={0:.6E}{moment}\n")
        s = self.inputs.structure
        (self.folder / "CONTCAR").write_text(poscar_text("stand-in", s.lattice, s.species, coords), encoding="utf-8")

    def _finish(self, coords: np.ndarray) -> None:
        self.add("OUTCAR", outcar.FOOT)
        self.add("vasprun.xml", xml.foot(self.inputs, coords))
        if self.inputs.flag("LCHARG"):
            (self.folder / "CHGCAR").write_text("density of the stand-in\n", encoding="utf-8")
        if self.inputs.flag("LVHAR"):
            (self.folder / "LOCPOT").write_text(_locpot(self.inputs, coords), encoding="utf-8")
        if self.fault == "cut":
            for name in ("OUTCAR", "vasprun.xml"):
                data = (self.folder / name).read_bytes()
                (self.folder / name).write_bytes(data[: len(data) * 2 // 3])


def _locpot(inputs: RunInputs, coords: np.ndarray) -> str:
    s, n = inputs.structure, 8
    wave = np.cos(2 * np.pi * np.arange(n) / n)
    values = (wave[:, None, None] + wave[None, :, None] + wave[None, None, :]).ravel()
    words = [f"{v:18.11E}" for v in values]
    rows = "\n".join(" ".join(words[i : i + 5]) for i in range(0, len(words), 5))
    return f"{poscar_text('stand-in', s.lattice, s.species, coords)}\n   {n}   {n}   {n}\n{rows}\n"


def main() -> None:
    """Run in the current folder."""
    folder = Path.cwd()
    try:
        inputs = read_inputs(folder)
    except RefusedError as refused:
        print(refused, flush=True)
        sys.exit(1)
    Run(folder, inputs, fault_for(folder)).run()


if __name__ == "__main__":
    main()
