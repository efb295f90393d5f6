"""Keywords of the codes: which change the way to a result and not the result, and when two values are one.

Two runs that differ in a neutral keyword alone may be subtracted. IBRION is not among them: another minimiser may end
in another minimum.
"""

from __future__ import annotations

GPAW = frozenset({"mixer", "eigensolver", "maxiter", "nbands", "spinpol"})
VASP = frozenset(
    {
        "ALGO", "IALGO", "AMIX", "BMIX", "AMIN", "AMIX_MAG", "BMIX_MAG", "IMIX", "MAXMIX", "MIXPRE", "INIMIX", "WC",
        "NELM", "NELMIN", "NELMDL", "NBANDS", "NSW", "POTIM", "TIME", "ISTART", "ICHARG", "LWAVE", "LCHARG", "LDIAG",
        "NCORE", "NPAR", "KPAR", "NSIM", "LPLANE", "LSCALU", "LSCALAPACK", "ISEARCH", "LMAXMIX", "IWAVPR", "NWRITE",
        "LVHAR", "LVTOT", "LELF", "LAECHG", "LORBIT", "NEDOS", "EMIN", "EMAX", "SYSTEM", "MAGMOM", "NFREE",
    }
)  # fmt: skip


def is_neutral(keyword: str) -> bool:
    """Whether runs that differ in this keyword alone give the same converged energy."""
    return keyword in GPAW or keyword in VASP


def self_consistent(algo: str, ialgo: str = "38") -> bool:
    """Whether VASP brings density and states into agreement; else its energy is no total energy.

    ALGO is what was asked for and IALGO, which OUTCARs list, what it became: 2 keeps the states, 3 and 4 the density.
    """
    word = algo.strip().upper()
    return word[:2] not in ("EI", "EX", "SU") and word not in ("NONE", "NOTHING") and ialgo not in ("2", "3", "4", "90")


def canonical(value: str) -> str:
    """One spelling of a tag's value: numbers without trailing zeros, T and F, capitals.

    >>> canonical("500.00000000"), canonical(".TRUE."), canonical("Pe")
    ('500', 'T', 'PE')
    """
    try:
        return " ".join(f"{float(word):.10g}" for word in value.split())
    except ValueError:
        word = value.strip(" .").upper()
        return word[:1] if word in ("TRUE", "FALSE") else word


def same_values(asked: str, used: str) -> bool:
    """Whether a tag's list of values is that which VASP echoes; ``2*0 1`` is ``0 0 1``."""
    first, second = expanded(asked).split(), expanded(used).split()
    return len(first) == len(second) and all(same_value(a, b) for a, b in zip(first, second, strict=True))


def expanded(value: str) -> str:
    """A list with ``n*value`` written out."""
    return " ".join(_expanded(word) for word in value.split())


def _expanded(word: str) -> str:
    times, star, value = word.partition("*")
    return " ".join([value] * int(times)) if star and times.isdigit() and len(times) < 7 else word


def same_value(asked: str, used: str) -> bool:
    """Whether a tag's value is that which VASP echoes, which has eight decimals, and T for .TRUE.."""
    try:
        return abs(float(asked) - float(used)) <= 0.51e-8 * max(1.0, abs(float(asked)))
    except ValueError:
        return canonical(asked) == canonical(used)
