"""Keywords that change the way to a result and not the result, by the names that the codes give them.

Two runs that differ in one of these may be subtracted. IBRION is not among them: another minimiser may end in
another minimum.
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
