"""Works to cite, as BibTeX: those that a study rests on."""

from __future__ import annotations

import re

from defectflow.export.report.facts import Facts
from defectflow.resources import resource

_BY_CODE = {"GPAW": ("gpaw", "ase"), "VASP": ("vasp", "vasp_paw")}
_ENTRY = re.compile(r"^@\w+\{(\w+),.*?^\}", re.MULTILINE | re.DOTALL)


def citations(facts: Facts) -> str:
    """BibTeX of what was used: the codes and functional of the results, and the libraries that built the cells."""
    known = {m.group(1): m.group(0) for m in _ENTRY.finditer(_library())}
    return "\n\n".join(known[key] for key in _keys(facts))


def _library() -> str:
    return resource("templates", "report/citations.bib").read_text(encoding="utf-8")


def _keys(facts: Facts) -> list[str]:
    settings = facts.recipe.settings
    keys = ["katcko2019"] if facts.published else []
    codes = dict.fromkeys(j.result.code for j in facts.jobs if j.result)
    keys += [key for code in codes for key in _BY_CODE.get(code, ())]
    keys += ["pbe"] if settings.functional == "PBE" else []
    keys += ["methfessel_paxton"] if settings.smearing.kind == "methfessel-paxton" else []
    keys += ["monkhorst_pack"] if settings.kpoints.centring == "shifted" else []
    return [*keys, "spglib", "pymatgen"]
