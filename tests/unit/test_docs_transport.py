"""docs/transport.md: its commands as they stand there, and its table."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "transport.md").read_text()


def test_the_page_is_followed_literally(tmp_path):
    blocks = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = ["bash", "-e", "-c", "".join(blocks)]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    made = {"chain/iv.svg", "chain/handoff.json", "pair4.csv", "from_file/iv.pdf", "paper/iv.csv", "scan.csv"}
    assert all((tmp_path / name).is_file() for name in made)


def test_the_table_of_options_is_what_the_model_gives():
    sys.path.insert(0, str(ROOT / "workflows"))
    from transport_options import table

    sys.path.pop(0)
    assert re.search(r"<!-- options -->\n(.*?)\n<!-- end -->", PAGE, re.DOTALL)[1] == table()


def test_the_fit_of_the_shipped_pair_is_the_one_on_the_page(demo_study):
    from defectflow.pipeline.transport import Wanted, make_handoff

    f = make_handoff(demo_study, Wanted("4"), None).fit
    said = re.search(r"e0 = (\S+), ASYM = (\S+), hopping\n(\S+), v = (\S+) meV, residual rms (\S+) meV", PAGE)
    assert [float(x) for x in said.groups()] == [round(x) for x in (f.e0, f.asym, f.hopping, f.exchange, f.rms)]
