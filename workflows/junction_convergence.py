"""Line-up of a junction with its convergence: one thing changed at a time on a smaller, unrelaxed junction.

python workflows/junction_convergence.py workflows/co_mgo_co.toml runs/co_mgo_co runs/convergence out/co_mgo_co.json

The second argument is the finished run of the recipe. Made the record that the package ships.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from defectflow.analyse.lineup import with_variants
from defectflow.pipeline import run_jobs
from defectflow.pipeline.junction import junction_states, line_ups
from defectflow.run import JunctionStudy, RunOptions
from defectflow.schema.jsonio import save_record, write_atomic
from defectflow.schema.lineup import Variant

# The probe: thinner, of looser density, not relaxed; so that all of them run in half an hour on two cores.
PROBE = {"oxide.layers": 8, "electrode.layers": 4, "settings.profile": "quick", "stages": ["static"]}
CHANGES: dict[str, dict[str, Any]] = {
    "6 metal layers": {"electrode.layers": 6},
    "mesh 4x4x1": {
        "settings.kpoints.mesh": [4, 4, 1],
        "bulk.kpoints.mesh": [4, 4, 3],
        "bulk.band_kpoints.mesh": [4, 4, 3],
    },
    "cutoff 340 eV": {"settings.cutoff": "340 eV"},
    "10 oxide layers": {"oxide.layers": 10},
    "8 metal layers": {"electrode.layers": 8},
    "mesh 8x8x1": {
        "settings.kpoints.mesh": [8, 8, 1],
        "bulk.kpoints.mesh": [8, 8, 6],
        "bulk.band_kpoints.mesh": [8, 8, 6],
    },
    "cutoff 500 eV": {"settings.cutoff": "500 eV"},
    "density converged 10 times closer": {"settings.profile": "standard"},
}


def changed(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A recipe with other values at dotted keys."""
    left_out = ("sources", "relaxation")  # the probes are not relaxed
    new: dict[str, Any] = {k: dict(v) if isinstance(v, dict) else v for k, v in document.items() if k not in left_out}
    for key, value in changes.items():
        *tables, last = key.split(".")
        node = new
        for table in tables:
            node[table] = dict(node[table])
            node = node[table]
        node[last] = value
    return new


def adopted(recipe: dict[str, Any], folder: Path, ranks: int) -> float:
    """E_F - E_VBM of a recipe (eV), run in `folder`."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    text = folder.with_suffix(".toml")
    write_atomic(text, to_toml(recipe).encode())
    study = JunctionStudy.create(folder, text, "gpaw")
    run_jobs(study, 1, RunOptions(ranks=ranks))
    return line_ups(study)[0].adopted


def to_toml(document: dict[str, Any], prefix: str = "") -> str:
    """TOML of a recipe: scalars and lists first, then its tables."""
    import json

    plain = {k: v for k, v in document.items() if not isinstance(v, dict)}
    lines = [f"{k} = {json.dumps(v)}" for k, v in plain.items()]
    for key, table in document.items():
        if isinstance(table, dict):
            lines += [f"[{prefix}{key}]", to_toml(table, f"{prefix}{key}.")]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run what is not done and write the record with its profile."""
    import tomllib

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("record", type=Path)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--left-open", type=float, default=0.0, help="meV that interface_sensitivity.py leaves open")
    options = parser.parse_args()
    probe = changed(tomllib.loads(options.recipe.read_text(encoding="utf-8")), PROBE)
    base = adopted(probe, options.folder / "probe", options.ranks)
    print(f"probe: E_F - E_VBM = {base:.3f} eV", flush=True)
    variants = []
    for n, (change, keys) in enumerate(CHANGES.items()):
        found = adopted(changed(probe, keys), options.folder / f"variant{n}", options.ranks)
        variants.append(Variant(change, found - base))
        print(f"{change}: {1000 * (found - base):+.0f} meV", flush=True)
    (state,) = junction_states(JunctionStudy.open(options.run))
    layers = f"{PROBE['oxide.layers']} oxide and {PROBE['electrode.layers']} metal layers"
    probed = f"a junction of {layers}, not relaxed, profile quick"
    line = with_variants(state.line, probed, tuple(variants), options.left_open / 1000)
    save_record(line, options.record)
    save_record(state.profile, options.record.with_suffix(".profile.json"))


if __name__ == "__main__":
    main()
