"""Ten thousand damaged inputs and outputs: a typed error or a result, in bounded time and memory, and nothing else."""

from __future__ import annotations

import gzip
import random
import resource
import signal
import subprocess
from contextlib import suppress

import pytest

from defectflow.engines.vasp.standin.inputs import RefusedError, read_inputs
from defectflow.errors import DefectFlowError
from defectflow.formats.doscar import read_doscar
from defectflow.formats.locpot import read_planar_averages
from defectflow.formats.oszicar import read_oszicar
from defectflow.formats.outcar import read_outcar
from defectflow.formats.poscar import read_poscar
from defectflow.formats.procar import read_procar
from defectflow.formats.vasprun import read_vasprun
from defectflow.parse import parse_run
from defectflow.schema import load_recipe
from tests.conftest import SHARED

ROUNDS, CASES = 10, 1000
SECONDS = 20  # for one case; the slowest takes a few milliseconds
MEMORY = 400 << 20  # bytes that all cases of a round may add to the peak
READERS = {
    "vasprun.xml": [lambda p: read_vasprun(p, projections=True), parse_run],
    "OUTCAR": [read_outcar, parse_run],
    "OSZICAR": [read_oszicar],
    "CONTCAR": [read_poscar],
    "LOCPOT": [read_planar_averages],
    "DOSCAR": [read_doscar],
    "PROCAR": [read_procar],
    "INCAR": [lambda p: read_inputs(p.parent)],
    "KPOINTS": [lambda p: read_inputs(p.parent)],
    "POSCAR": [read_poscar, lambda p: read_inputs(p.parent)],
    "toy.toml": [load_recipe],
}
REAL = {
    "vasprun.xml": ["failed/Si2_converged-with-error/vasprun.xml.gz", "spin/NiO2_fm_prim/vasprun.xml.gz"],
    "OUTCAR": ["spin/Fe1/OUTCAR.gz", "complete_run/K4Sn4O6/OUTCAR.gz", "failed/merged_numbers/OUTCAR.gz"],
    "OSZICAR": ["complete_run/FeO_relax28/OSZICAR.gz"],
    "CONTCAR": ["complete_run/K4Sn4O6/CONTCAR.gz"],
    "LOCPOT": ["locpot/species_hash_vasp642/LOCPOT.gz"],
    "DOSCAR": ["formats/DOSCAR.gz"],
}
WORDS = (
    b"NaN",
    b"-Infinity",
    b"********",
    b"999999999999",
    b"-1",
    b"1e999",
    b"0",
    b"",
    b"&bomb;",
    b"\x00",
    b"1_0",
    b"\xff\xfe",
)
BOMB = b'<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY bomb "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.fixture(scope="module")
def originals(tmp_path_factory, toy_text, stand_in) -> list[tuple[str, bytes]]:
    """Files of a small run of the stand-in, and real ones where they are."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "toy.toml").write_text(toy_text.replace("matrix = [2, 2, 2]", "matrix = [1, 1, 1]").replace("[4]", "[1]"))
    _run_one(folder, stand_in)
    texts = [(name, (folder / name).read_bytes()) for name in READERS if (folder / name).is_file()]
    real = [(name, SHARED / path) for name, paths in REAL.items() for path in paths if SHARED.is_dir()]
    return texts + [(name, gzip.decompress(path.read_bytes())) for name, path in real]


def _run_one(folder, stand_in) -> None:
    from defectflow.engines import get_engine
    from defectflow.inputs import plan_jobs

    job = next(j for j in plan_jobs(load_recipe(folder / "toy.toml")) if j.path.endswith("AF/static"))
    for name, text in get_engine("vasp").make_inputs(job).files:
        (folder / name).write_text(text.replace("ICHARG = 1\n", "ICHARG = 2\n"))
    subprocess.run(stand_in["DEFECTFLOW_VASP_CMD"].split(), cwd=folder, check=True, capture_output=True, timeout=60)


def mutated(text: bytes, rng: random.Random) -> bytes:
    """One to three damages of those that files suffer, or that an enemy would do."""
    for _ in range(rng.randint(1, 3)):
        text = rng.choice((cut, flipped, without_blanks, other_word, repeated, dropped_line, bombed))(text, rng)
    return text


def cut(text: bytes, rng: random.Random) -> bytes:
    return text[: rng.randrange(len(text) + 1)]


def flipped(text: bytes, rng: random.Random) -> bytes:
    changed = bytearray(text or b" ")
    for _ in range(rng.randint(1, 8)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def without_blanks(text: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(text) + 1)
    return text[:at] + text[at : at + 200].replace(b" ", b"") + text[at + 200 :]


def other_word(text: bytes, rng: random.Random) -> bytes:
    words = text.split(b" ")
    words[rng.randrange(len(words))] = rng.choice(WORDS)
    return b" ".join(words)


def repeated(text: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(text) + 1)
    return text[:at] + text[at : at + 300] * rng.randint(2, 20) + text[at:]


def dropped_line(text: bytes, rng: random.Random) -> bytes:
    lines = text.split(b"\n")
    del lines[rng.randrange(len(lines))]
    return b"\n".join(lines)


def bombed(text: bytes, rng: random.Random) -> bytes:
    at = rng.choice((0, text.find(b"\n") + 1, rng.randrange(len(text) + 1)))
    return text[:at] + BOMB + text[at:]


class HangError(Exception):
    """A case took too long."""


def _hang(*_: object) -> None:
    raise HangError


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_damaged_files_end_in_a_typed_error(round_, originals, tmp_path):
    rng = random.Random(round_)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.signal(signal.SIGALRM, _hang)
    for _ in range(CASES):
        one_case(rng, originals, tmp_path)
    signal.alarm(0)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) * 1024 < MEMORY


def one_case(rng: random.Random, originals: list[tuple[str, bytes]], folder) -> None:
    name, text = rng.choice(originals)
    for other in originals[:11]:
        if other[0] in ("INCAR", "KPOINTS", "POSCAR"):
            (folder / other[0]).write_bytes(other[1])
    (folder / "POTCAR.spec").write_text("Mg\nO\nC\n")
    damaged = mutated(text, rng)
    (folder / name).write_bytes(gzip.compress(damaged)[: rng.choice((None, -5))] if rng.random() < 0.05 else damaged)
    signal.alarm(SECONDS)
    try:
        with suppress(DefectFlowError, RefusedError):
            rng.choice(READERS[name])(folder / name)
    except Exception as error:
        kept = folder.parent / f"case-{name}"
        kept.write_bytes((folder / name).read_bytes())
        raise AssertionError(f"{name}, kept as {kept}: {error!r}") from error
