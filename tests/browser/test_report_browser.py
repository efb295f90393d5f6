"""The report of the shipped study in a real browser: it draws, answers its controls and asks nobody for anything."""

import json

import numpy as np
import pytest

from defectflow.pipeline import entry_dos
from defectflow.pipeline.report import write_report
from tests.reports import FAILED, broken, copied

pytest.importorskip("plotly")

SET = """
const control = document.getElementById(arguments[0]);
control.value = arguments[1];
control.dispatchEvent(new Event("input", {bubbles: true}));
control.dispatchEvent(new Event("change", {bubbles: true}));
"""
# What is drawn of a state: two animation frames later, so that the page has answered.
CURVES = """
const [plot, name, done] = arguments;
requestAnimationFrame(() => requestAnimationFrame(() => {
  const trace = document.getElementById(plot).data.find((t) => t.name === name);
  done([Array.from(trace.x), Array.from(trace.y)]);
}));
"""


@pytest.fixture(scope="module")
def study(demo, tmp_path_factory):
    return copied(demo, tmp_path_factory.mktemp("browser") / "run")


@pytest.fixture(scope="module")
def address(study):
    return write_report(study, study.folder / "report").files[0].resolve().as_uri()


@pytest.fixture
def page(browser, address):
    browser.get_log("browser")
    browser.get_log("performance")
    _wear(browser, "light")
    browser.get(address)
    _wait(browser, "return document.documentElement.dataset.ready === 'yes'")
    _wait(browser, "return Boolean(document.getElementById('structure-plot').dataset.drawn)")
    return browser


def _wait(browser, script):
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 120).until(lambda b: b.execute_script(script))


def _wear(browser, colours):
    features = [{"name": "prefers-color-scheme", "value": colours}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": features})


def _curve(page, name="total, up", plot="dos-plot-7"):
    x, y = page.execute_async_script(CURVES, plot, name)
    return np.array(x), np.array(y)


def test_every_section_and_figure_is_there(page):
    wanted = ("verdict", "question", "pairs", "dos", "structure", "convergence", "record", "citations")
    assert page.execute_script("return [...document.querySelectorAll('main > section')].map((s) => s.id)") == list(
        wanted
    )
    assert page.execute_script("return document.querySelectorAll('#dos-plots .plot .main-svg').length") >= 10
    assert page.execute_script("return document.querySelectorAll('#structure-plot canvas').length") >= 1


@pytest.mark.parametrize("zero", ["fermi", "vbm", "junction"])
def test_the_drawn_curves_are_those_of_the_analysis(page, study, entries, zero):
    page.execute_script(SET, "dos-zero", zero)
    expected = entry_dos(study, entries[7], zero)
    for name, curve in (("total, up", expected.total[0]), ("C (1), down", -expected.groups["C (1)"][1])):
        energies, found = _curve(page, name)
        assert found == pytest.approx(np.interp(energies, expected.energies, curve), abs=0.05)


def test_the_slider_broadens_the_curves(page):
    page.execute_script(SET, "dos-broadening", "0.05")
    _, narrow = _curve(page, "C (1), up")
    page.execute_script(SET, "dos-broadening", "0.4")
    _, wide = _curve(page, "C (1), up")
    assert wide.max() < narrow.max() / 2


def test_broadening_keeps_the_number_of_states(page):
    integrals = []
    for sigma in ("0.05", "0.15"):
        page.execute_script(SET, "dos-broadening", sigma)
        energies, curve = _curve(page, "total, up")
        inside = (energies > -0.7) & (energies < 2.5)  # the level at E_F, gaps on both sides
        integrals.append(curve[inside].sum() * (energies[1] - energies[0]))
    assert integrals[0] == pytest.approx(integrals[1], rel=0.02)


def test_the_spins_are_drawn_to_both_sides(page):
    assert _curve(page, "total, up")[1].min() >= 0
    assert _curve(page, "total, down")[1].max() <= 0


def test_another_zero_shifts_the_curves_and_the_mark_of_the_fermi_level(page):
    shapes = "return document.getElementById('dos-plot-7').layout.shapes[0].x0"
    assert page.execute_script(shapes) == pytest.approx(0, abs=1e-9)
    before = _curve(page)[1]
    page.execute_script(SET, "dos-zero", "vbm")
    after = _curve(page)[1]
    assert np.abs(after - before).max() > 1
    assert page.execute_script(shapes) > 1


def test_a_curve_is_taken_away_by_its_box(page):
    count = "return document.getElementById('dos-plot-0').data.length"
    _curve(page)
    before = page.execute_script(count)
    page.execute_script("document.getElementById('dos-group-0').click()")
    _curve(page, "C (1), up")
    assert page.execute_script(count) == before - 2


def test_one_pair_alone(page):
    page.execute_script(SET, "dos-pair", "4")
    _curve(page)
    shown = "return [...document.querySelectorAll('#dos-plots > section')].filter((s) => !s.hidden).length"
    assert page.execute_script(shown) == 2


def test_the_menus_choose_the_structure(page):
    page.execute_script(SET, "structure-pair", "4")
    page.execute_script(SET, "structure-state", "AF")
    _wait(page, "return document.getElementById('structure-plot').dataset.drawn === 'pair 4 AF'")
    names = page.execute_script("return document.getElementById('structure-plot').data.map((t) => t.name)")
    assert {"moment up", "moment down", "dopants C"} <= set(names)


def test_a_chosen_site_is_described(page):
    page.execute_script(SET, "structure-site", "62")
    assert "Site C 63" in page.execute_script("return document.getElementById('structure-note').textContent")


def test_nothing_is_asked_of_any_network(page):
    page.execute_script(SET, "dos-zero", "junction")
    _curve(page)
    events = [json.loads(e["message"])["message"] for e in page.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert asked
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_the_policy_keeps_a_request_from_leaving(page):
    script = "const done = arguments[0]; fetch('http://127.0.0.1:9/').then(() => done('sent'), (e) => done(String(e)))"
    blocked = "document.addEventListener('securitypolicyviolation', (e) => { window.blocked = e.effectiveDirective; });"
    page.execute_script(blocked)
    assert page.execute_async_script(script) != "sent"
    assert page.execute_script("return window.blocked") == "connect-src"


def test_the_console_holds_no_error(page):
    assert [e["message"] for e in page.get_log("browser") if e["level"] == "SEVERE"] == []


def test_the_keyboard_reaches_every_control(page):
    from selenium.webdriver.common.keys import Keys

    wanted = [
        "skip",
        "dos-broadening",
        "dos-scale",
        "dos-zero",
        "dos-pair",
        "dos-group-0",
        "structure-pair",
        "structure-state",
    ]
    reached = [""]
    while reached[-1] != wanted[-1] and len(reached) < 80:
        page.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(page.execute_script("return document.activeElement.id || document.activeElement.className"))
    assert [name for name in reached if name in wanted] == wanted


def test_the_arrow_keys_move_the_slider(page):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    slider = page.find_element(By.ID, "dos-broadening")
    before = float(slider.get_attribute("value"))
    slider.send_keys(Keys.ARROW_RIGHT)
    assert float(slider.get_attribute("value")) > before


def test_dark_colours_where_the_reader_wants_them(page):
    ground = "return getComputedStyle(document.body).backgroundColor"
    ink = "return document.getElementById('dos-plot-0').layout.font.color"
    light = page.execute_script(ground), page.execute_script(ink)
    _wear(page, "dark")
    _wait(page, f"{ink} !== '{light[1]}'")
    dark = page.execute_script(ground), page.execute_script(ink)
    assert dark[0] != light[0]


def test_a_narrow_window_needs_no_sideways_scrolling(page):
    size = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.refresh()
    _wait(page, "return document.documentElement.dataset.ready === 'yes'")
    width = page.execute_script("return document.documentElement.scrollWidth")
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert width <= 360


def test_what_failed_is_seen_first(browser, demo, tmp_path):
    study = broken(demo, tmp_path / "run")
    page = write_report(study, tmp_path / "report").files[0]
    browser.get_log("browser")
    browser.get(page.resolve().as_uri())
    _wait(browser, "return document.documentElement.dataset.ready === 'yes'")
    text = browser.execute_script("return document.querySelector('main').firstElementChild.innerText")
    assert FAILED in text
    assert "<b>& more</b>" in text
    assert [e for e in browser.get_log("browser") if e["level"] == "SEVERE"] == []
