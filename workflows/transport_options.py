"""Which of the paper's observations the chain shows under which option: ``python workflows/transport_options.py``.

Prints the table of docs/transport.md. Observations: Katcko et al., Commun. Phys. 2, 116 (2019),
doi:10.1038/s42005-019-0207-8.
"""

from __future__ import annotations

import numpy as np

from defectflow.schema.chain import Chain, paper_chain
from defectflow.transport.features import features
from defectflow.transport.model import solve_chain
from defectflow.transport.sets import with_values

BIAS = np.linspace(-10, 10, 201)
CHANGES = {
    "defaults": {},
    'profile = "tenths"': {"profile": "tenths"},
    'sp = "plus-minus"': {"sp": "plus-minus"},
    'SP = "plus-minus"': {"SP": "plus-minus"},
    'band = "box"': {"band": "box"},
    "sp2_flips = true": {"sp2_flips": True},
    'asym = "one-sided"': {"asym": "one-sided"},
    'sp and SP "plus-minus"': {"sp": "plus-minus", "SP": "plus-minus"},
}
COUPLINGS = (1.0, 10.0, 30.0)  # meV, spins.v
TITLE = (
    "| options | I_P(0), I_AP(0) (nA) | I_P < 0 < I_AP at 0 | at +5 mV | opposite signs over (mV)"
    " | largest abs I_AP (nA) | TMR extremum | spins mirror: P, AP |\n|---|---|---|---|---|---|---|---|"
)


def table() -> str:
    """Markdown, a row for every option changed alone, and for exchange switched on."""
    paper = paper_chain()
    options = {n: paper.model_copy(update={"options": paper.options.model_copy(update=c)}) for n, c in CHANGES.items()}
    spins = {f"v = {v:g} meV": with_values(paper, {"v": v}) for v in COUPLINGS}
    return "\n".join([TITLE, *(_row(name, chain) for name, chain in {**options, **spins}.items())])


def _row(name: str, chain: Chain) -> str:
    bias = BIAS[::10] if chain.spins.v else BIAS  # thermal spins are iterated
    (f,) = features(solve_chain(chain, bias).curves)
    yes = ["yes" if f[f"I_P_{v}"] < 0 < f[f"I_AP_{v}"] else "no" for v in (0, 5)]
    top = "none" if f["tmr_peak"] is None else f"{100 * f['tmr_peak']:+.0f} % at {f['tmr_peak_bias']:+.1f} mV"
    mirror = f"{f['mirror_P']:.2f}, {f['mirror_AP']:.2f}"
    zero = f"{f['I_P_0']:+.2f}, {f['I_AP_0']:+.2f}"
    return f"| {name} | {zero} | {yes[0]} | {yes[1]} | {f['opposite']:.1f} | {f['I_AP_max']:.1f} | {top} | {mirror} |"


if __name__ == "__main__":
    print(table())
