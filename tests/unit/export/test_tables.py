import csv
import io

from defectflow.export.tables import to_csv


def test_a_row_without_a_nested_value_fits_the_others():
    """A study of which a state is missing: its first pair has no AF, the second has."""
    text = to_csv([{"label": "1", "af": {"e0": 1.0}}, {"label": "2", "af": None, "delta": None}])
    assert list(csv.DictReader(io.StringIO(text))) == [{"label": "1", "delta": ""}, {"label": "2", "delta": ""}]
