"""From a job to the keywords of GPAW; needs no GPAW to run."""

from __future__ import annotations

from typing import Any

from defectflow.engines.bands import number_of_bands
from defectflow.schema import Job, KMesh, Smearing


def gpaw_parameters(job: Job, preset: dict[str, Any], n_electrons: float) -> dict[str, Any]:
    """Keywords of ``gpaw.GPAW`` for a job.

    Parameters
    ----------
    n_electrons : float
        Valence electrons of the cell, its charge counted. The number of bands follows from it and not from the
        moments, so FM and AF cells have the same bands (GPAW's own choice differs between them).
    """
    settings = job.settings
    bands = number_of_bands(job, n_electrons)
    charged = {"charge": job.charge} if job.charge else {}
    return {
        **charged,
        "mode": {"name": "pw", "ecut": settings.cutoff},
        "xc": settings.functional,
        "kpts": kpts(job.kpoints),
        "nbands": bands,
        "occupations": occupations(settings.smearing),
        "setups": settings.potentials.get("gpaw", {}),
        "spinpol": job.spin_polarised,
        "symmetry": {} if settings.symmetry else {"point_group": False},
        "maxiter": settings.max_scf_steps,
        "convergence": {
            "energy": settings.energy_tolerance / n_electrons,
            **preset["convergence"],
            # A DOS shows empty states too; the last few bands never converge and are not needed.
            "bands": bands - 6 if job.stage == "dos" else "occupied",
        },
        **preset["parameters"],
    }


def kpts(mesh: KMesh) -> dict[str, Any]:
    """GPAW's mesh: "shifted" is Monkhorst and Pack's own, "gamma" is moved onto Gamma."""
    return {"size": mesh.mesh, "gamma": True} if mesh.centring == "gamma" else {"size": mesh.mesh}


def occupations(smearing: Smearing) -> dict[str, Any]:
    """GPAW's occupation function; its Gaussian is Methfessel-Paxton of order 0."""
    if smearing.kind == "fermi-dirac":
        return {"name": "fermi-dirac", "width": smearing.width}
    return {"name": "methfessel-paxton", "width": smearing.width, "order": smearing.order or 0}
