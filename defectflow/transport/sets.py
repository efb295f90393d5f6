"""Parameter sets as arrays, and the chains that they make at every bias."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import constants

from defectflow.errors import AnalysisError
from defectflow.schema.cell import Floats
from defectflow.schema.chain import Chain, ChainOptions, checked_chain

NA_PER_MEV = constants.e / constants.h * constants.e * 1e6  # e/h: 38.74 nA per meV of open channel
DROPS = {"thirds": (1 / 3, 1 / 6, -1 / 6, -1 / 3), "tenths": (0.3, 0.1, -0.1, -0.3)}  # levels over the bias
ALIGNMENTS, SPINS = ("P", "AP"), ("up", "down")
Values = Mapping[str, float | Floats]

# Every number of a parameter set that can be scanned or fitted, and where it stands in its file.
PARAMETERS = {
    **{k: ("spinterface", k) for k in ("sp", "SP", "p_left", "p_right", "AP", "E0", "gamma")},
    **{f"{a}.{k}": (a, k) for a in ("parallel", "antiparallel") for k in ("e0", "asym")},
    **{f"t{n + 1}": ("hoppings", n) for n in range(3)},
    "v": ("spins", "v"),
    "kT": ("kT",),
    "scale": ("scale",),
}


@dataclass(frozen=True, eq=False)
class Chains:
    """Chains of four levels, shape (set, alignment, spin, bias) before the last axis. Energies in meV.

    Attributes
    ----------
    levels : (..., 4) float
        SP1, PM1, PM2, SP2.
    hoppings : (..., 3) float
    gamma : (..., 2) float
        Full widths of the outer levels, left and right.
    mu : (..., 2) float
        Electrochemical potentials of the leads, left and right.
    kT : (...) float
    """

    levels: Floats
    hoppings: Floats
    gamma: Floats
    mu: Floats
    kT: Floats  # noqa: N815  (the symbol)

    def flat(self) -> Chains:
        """All leading axes as one."""
        return self._each(lambda part: part.reshape(-1, *part.shape[self.kT.ndim :]))

    def part(self, chosen: slice | NDArray[np.intp]) -> Chains:
        """Some of them, along the first axis."""
        return self._each(lambda part: part[chosen])

    def of_spin(self, spin: int) -> Chains:
        """Those of one spin, all leading axes as one."""
        return self._each(lambda part: part[:, :, spin]).flat()

    def _each(self, change: Callable[[Floats], Floats]) -> Chains:
        return Chains(*map(change, (self.levels, self.hoppings, self.gamma, self.mu, self.kT)))


def values_of(chain: Chain) -> dict[str, float]:
    """Numbers of a parameter set by their names in `PARAMETERS`."""
    document = chain.model_dump()

    def at(path: tuple[str | int, ...]) -> float:
        node: Any = document
        for key in path:
            node = node[key]
        return float(node)

    return {name: at(path) for name, path in PARAMETERS.items()}


def with_values(chain: Chain, values: Mapping[str, float]) -> Chain:
    """Parameter set with other numbers, checked like one from a file; their sources are dropped.

    Raises
    ------
    AnalysisError, RecipeError
        If a parameter does not exist or a number is not possible.
    """
    document = chain.model_dump(by_alias=True)
    document["hoppings"] = list(chain.hoppings)
    for name, value in values.items():
        *path, last = _path(name)
        node: Any = document
        for key in path:
            node = node[key]
        node[last] = value
    dropped = {".".join(key for key in _path(n) if isinstance(key, str)) for n in values}
    document["sources"] = {k: v for k, v in chain.sources.items() if k not in dropped}
    return checked_chain(document, chain.name)


def _path(name: str) -> tuple[str | int, ...]:
    if name not in PARAMETERS:
        raise AnalysisError(f'there is no parameter "{name}"', todo=f"known: {', '.join(PARAMETERS)}")
    return PARAMETERS[name]


NO_SPINS = np.zeros(2)


def chains(values: Values, options: ChainOptions, bias: Floats, spins: Floats = NO_SPINS) -> Chains:
    """The chains of one or more parameter sets.

    Parameters
    ----------
    values : mapping of str to float or (n,) float
        One number for all sets or one for each.
    bias : (nb,) float
        Electrochemical potential of the left lead minus that of the right one (mV).
    spins : (2,) or (n, 2, 1, nb, 2) float
        <S_z> of both centres, the latter per set, alignment and bias; up electrons are lowered by v <S_z>.
    """
    at = {k: np.reshape(np.asarray(v, float), (-1, 1, 1, 1)) for k, v in values.items()}
    sigma, turn = np.array([[1.0], [-1.0]]), np.array([[[1.0]], [[-1.0]]])
    sp, big_sp = (at[k] * (0.5 if getattr(options, k) == "full" else 1.0) * sigma for k in ("sp", "SP"))
    levels = _stack(
        at["E0"] + big_sp,
        *(e - sigma * at["v"] * spins[..., m] for m, e in enumerate(_centres(at, options))),
        at["E0"] + (big_sp * turn if options.sp2_flips else big_sp),
    )
    levels = levels + bias[:, None] * np.array(DROPS[options.profile])
    shape = np.broadcast_shapes(levels.shape[:-1], (len(at["kT"]), 2, 2, len(bias)))
    return Chains(
        np.broadcast_to(levels, (*shape, 4)),
        _to(shape, at["t1"], at["t2"], at["t3"]),
        _to(shape, at["gamma"] * (1 + sigma * at["p_left"]) / 2, at["gamma"] * (1 + sigma * turn * at["p_right"]) / 2),
        _to(shape, bias / 2 + sp, -bias / 2 + sp * turn * at["AP"]),
        np.broadcast_to(at["kT"], shape),
    )


def _centres(at: dict[str, Floats], options: ChainOptions) -> tuple[Floats, Floats]:
    e0, asym = (
        np.concatenate(np.broadcast_arrays(at[f"parallel.{k}"], at[f"antiparallel.{k}"]), axis=1)
        for k in ("e0", "asym")
    )
    if options.asym == "one-sided":
        return e0 + asym, e0
    return e0 + asym / 2, e0 - asym / 2


def _stack(*parts: Floats) -> Floats:
    return np.stack(np.broadcast_arrays(*parts), axis=-1)


def _to(shape: tuple[int, ...], *parts: Floats) -> Floats:
    return np.stack([np.broadcast_to(p, shape) for p in parts], axis=-1)
