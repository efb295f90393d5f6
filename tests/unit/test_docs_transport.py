"""docs/transport.md: its tables and numbers; its commands are run by test_docs_pages.py."""

import re
import sys

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "transport.md").read_text()


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
