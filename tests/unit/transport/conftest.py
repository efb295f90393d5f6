"""The paper's parameters."""

import pytest

from defectflow.schema.chain import paper_chain


@pytest.fixture(scope="session")
def paper():
    return paper_chain()
