"""How GPAW is built: a C++ compiler is enough; libxc, OpenBLAS, FFTW and MPI are used where they are."""

import pathlib
import shutil

include = pathlib.Path("/usr/include")
multiarch = [p for p in pathlib.Path("/usr/lib").glob("*-linux-gnu*") if p.is_dir()]


def has(library):
    return any((folder / f"lib{library}.so").exists() for folder in multiarch)


compiler = "mpicxx" if shutil.which("mpicxx") else "g++"
mpi = compiler == "mpicxx"
noblas = not has("openblas")
nolibxc = not (has("xc") and (include / "xc.h").exists())
fftw = has("fftw3") and (include / "fftw3.h").exists()
libraries = [name for name, found in [("openblas", not noblas), ("xc", not nolibxc), ("fftw3", fftw)] if found]
