"""The page: nothing from outside, nothing of a user's text that is not text, everything reachable."""

import hashlib
import re
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from defectflow.export.report import render, report_document
from defectflow.export.report.page import embedded
from defectflow.pipeline.report import gather
from tests.reports import FAILED, broken, copied

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)> & \"quoted\" 'too'"


class Page(HTMLParser):
    """Tags with their attributes, and the text of scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self._script = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._script = tag == "script"

    def handle_data(self, data):
        if self._script:
            self.scripts.append(data)
        self._script = False

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def facts(demo, tmp_path_factory):
    pytest.importorskip("plotly")
    folder = tmp_path_factory.mktemp("page") / "run"
    return gather(copied(demo, folder))


@pytest.fixture(scope="module")
def page(facts):
    return Page(render(report_document(facts)))


@pytest.fixture(scope="module")
def evil(facts):
    recipe = facts.recipe.model_copy(update={"question": EVIL, "caveats": (EVIL,), "sources": {"name": EVIL}})
    job = replace(facts.jobs[0], state="failed", reason=EVIL)
    return render(
        report_document(replace(facts, recipe=recipe, recipe_text=EVIL, jobs=(job, *facts.jobs[1:]), run=EVIL))
    )


def test_text_of_a_user_stays_text(evil):
    found = Page(evil)
    assert found.all("img") == []
    assert len(found.all("script")) == 3


def test_numbers_cannot_end_the_element_they_stand_in():
    assert embedded({"a": "</script><!--&"}) == '{"a":"\\u003c/script\\u003e\\u003c!--\\u0026"}'


def test_nothing_is_loaded_from_elsewhere(page):
    links = [a.get(key) for tag, a in page.tags for key in ("src", "href") if a.get(key)]
    assert all(re.fullmatch(r"#[\w-]+|data:,", link) for link in links), links


def test_the_policy_allows_exactly_the_scripts_of_the_page(page):
    (policy,) = [a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    digests = [hashlib.sha256(s.encode()).digest() for s in page.scripts[1:]]
    allowed = " ".join(f"'sha256-{b64encode(d).decode()}'" for d in digests)
    assert f"script-src {allowed};" in policy
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy


def test_headings_descend_one_by_one(page):
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))


def test_every_control_has_a_label(page):
    labels = {a.get("for") for a in page.all("label")}
    controls = [a["id"] for tag in ("select", "input") for a in page.all(tag)]
    assert set(controls) <= labels


def test_headings_of_tables_have_a_scope(page):
    assert {a.get("scope") for a in page.all("th")} == {"row", "col"}


def test_the_licence_of_plotly_is_on_the_page(facts):
    text = render(report_document(facts))
    assert "Permission is hereby granted, free of charge" in text
    assert re.search(r"Copyright \(c\).*Plotly", text)


def test_all_is_well_is_said_at_the_top(facts):
    text = render(report_document(facts))
    assert text.index("all 5 certificates passed") < text.index("Question and settings")


def test_what_failed_is_said_before_anything_else(demo, tmp_path):
    study = broken(demo, tmp_path / "run")
    text = render(report_document(gather(study)))
    body = text[text.index("<main") :]
    assert body.index(FAILED) < body.index("Question and settings")
    assert "certificates passed." in body
    assert "all certificates passed" not in body
