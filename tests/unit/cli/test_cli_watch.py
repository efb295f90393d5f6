"""``defectflow watch`` on the shipped studies and on synthetic half-finished ones: nothing is calculated."""

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from defectflow.cli.picture import ASCII_BARS, Size, View, notes_of, picture, sparkline
from defectflow.engines import Progress, get_engine
from defectflow.executors.tracks import TRACK, Track
from defectflow.resources import resource
from defectflow.run import JunctionStudy, ScreenStudy, Study
from defectflow.run.index import row_of, write_index
from defectflow.run.lease import lease
from defectflow.run.overview import overview, seconds_left
from defectflow.schema import Correction, JobState

JOB = "pairs/C_O-C_O_s4_d6.01/AF/static"
BAD = "pairs/C_O-C_O_s5_d7.36/FM/static"
SWITCHED = Correction("mixer", "0.05", "0.02", False)


def step(number, change=1.0, moment=0.0):
    return Progress(1, number, -380.0, change, moment)


def begin(study, path, since=100.0):
    """A job that runs, as a driver and its worker leave it."""
    place = study.job_folder(path)
    place.mkdir(parents=True, exist_ok=True)
    study.set_state(path, JobState("submitted", "0" * 64, "gpaw", 1))
    (place / TRACK).write_text(json.dumps(Track.here(time.time() - since).document()))


def trace(study, path, *steps):
    with (study.job_folder(path) / "scf.jsonl").open("a") as file:
        file.writelines(json.dumps(vars(s)) + "\n" for s in steps)


@pytest.fixture
def half(demo, tmp_path):
    """The shipped study with one job that runs and one that failed."""
    shutil.copytree(demo, tmp_path / "run")
    study = Study.open(tmp_path / "run")
    write_index(study.folder, (row_of(j.path, study.state(j.path)) for j in study.jobs))
    begin(study, JOB)
    trace(study, JOB, step(1, 0.0), step(2, -3.0), step(3, 3e-2))
    words = "the SCF did not converge\nmore"
    study.set_state(BAD, JobState("failed", "0" * 64, "gpaw", 1, corrections=(SWITCHED,), error=words))
    return study


@pytest.fixture
def view(half):
    def call(study=half, **options):
        seen = overview(study, get_engine(study.engine_name), False, only_look=True, **options)
        return View("a title", seen, seconds_left(seen), notes_of(seen.rows, study.folder), time.time())

    return call


def lines(view, width=120, height=40, **characters):
    return [text for text, _ in picture(view, Size(width, height, **characters))]


def test_a_running_job_shows_its_step_change_moment_and_sparkline(half, view):
    with lease(half.folder):
        shown = next(text for text in lines(view()) if text.startswith(JOB))
    assert "step 1.3, dE +3.0e-02 eV, M +0.00, 1 min 40 s █▁" in shown


def test_corrections_and_failures_are_the_last_lines(view):
    assert lines(view())[-2:] == [
        f"{BAD}: corrected, energy-neutral: mixer 0.05 -> 0.02",
        f"{BAD}: the SCF did not converge",
    ]


@pytest.mark.parametrize("width", [20, 60, 80, 109, 110, 200])
@pytest.mark.parametrize("height", [6, 12, 40])
def test_the_picture_fits_the_terminal(half, view, width, height):
    with lease(half.folder):
        shown = lines(view(), width, height)
    assert max(map(len, shown)) <= width
    assert len(shown) < height


def test_sixty_columns_show_the_end_of_a_path_and_all_numbers(half, view):
    with lease(half.folder):
        shown = lines(view(), 60)
    assert any(text.endswith("s4_d6.01/AF/static") for text in shown)
    assert any("dE +3.0e-02 eV, M +0.00, 1 min 40 s █▁" in text for text in shown)


def test_a_terminal_without_unicode_gets_ascii(half, view):
    with lease(half.folder):
        shown = lines(view(), 60, bars=ASCII_BARS)
    assert all(text.isascii() for text in shown)


def test_a_thousand_running_jobs_are_counted_where_they_do_not_fit(half, view):
    one = next(r for r in view().seen.rows if r["path"] == JOB) | {"state": "running"}
    many = replace(view().seen, rows=tuple({**one, "path": f"pairs/{n}"} for n in range(1000)))
    shown = lines(replace(view(), seen=many), 60, 24)
    assert any("more that run" in text for text in shown)


def test_the_sparkline_is_of_the_last_ionic_step_and_skips_what_has_no_logarithm():
    before, now = (
        [step(1, 5.0)],
        [Progress(2, n + 1, 0.0, de, 0.0) for n, de in enumerate((0.0, 1.0, float("inf"), 0.1))],
    )
    assert sparkline((*before, *now), 10) == "█▁"


def test_the_sparkline_keeps_the_last_steps():
    steps = tuple(step(n, 10.0**-n) for n in range(1, 20))
    assert (len(sparkline(steps, 8)), sparkline(steps, 0), sparkline((), 8)) == (8, "", "")


def test_damaged_lines_of_a_trace_are_passed_over(half):
    with (half.job_folder(JOB) / "scf.jsonl").open("a") as file:
        file.write('{"ionic_step": 1, "scf_step": "x", "energy": 0, "energy_change": 0, "moment": 0}\n[]\n{"ion')
    assert [p.scf_step for p in get_engine("gpaw").trace(half.job_folder(JOB))] == [1, 2, 3]


def test_time_left_is_what_the_stage_takes_less_what_is_spent(half, view):
    for job in half.jobs:
        if job.path.startswith("pairs/") and job.path not in (JOB, BAD):
            half.set_state(job.path, JobState("done", "0" * 64, "gpaw", 1, seconds=400.0, core_seconds=800.0))
    with lease(half.folder):
        assert view().seconds_left == pytest.approx(300, abs=5)


def test_a_job_that_the_index_does_not_hold_is_seen_all_the_same(half):
    """The next round of a screening has jobs that the last driver did not know."""
    write_index(half.folder, [row_of(half.jobs[0].path, half.state(half.jobs[0].path))])
    rows = overview(half, get_engine("gpaw"), False).rows
    assert [row["path"] for row in rows] == [job.path for job in half.jobs]


def test_what_waits_for_a_failed_job_is_blocked(half):
    half.set_state("bulk/static", JobState("failed", "0" * 64, "gpaw", 1, error="x"))
    (half.job_folder("bulk/dos") / "job.json").unlink()
    write_index(half.folder, (row_of(j.path, half.state(j.path)) for j in half.jobs))
    states = {r["path"]: r["state"] for r in overview(half, get_engine("gpaw"), False).rows}
    assert states["bulk/dos"] == "blocked"


def test_it_has_not_ended_while_somebody_runs_it(half, view):
    half.set_state(JOB, half.state(BAD))
    with lease(half.folder):
        assert not view().ended
    assert view().ended


def test_what_is_interrupted_has_not_ended(view):
    assert "interrupted" in {r["state"] for r in view().seen.rows}
    assert not view().ended


def test_the_shipped_study_ends_at_once_with_the_status_of_status(defectflow, demo):
    done = defectflow("watch", demo)
    assert (done.returncode, "12 done" in done.stdout, done.stderr) == (0, True, "")


@pytest.mark.parametrize("words", [("--once",), ("--once", "--every", "0.5")])
def test_one_picture_of_a_screening(defectflow, words):
    done = defectflow("watch", _screening(), *words)
    assert (done.returncode, "104/106 done" in done.stdout) == (1, True), done.stderr
    assert "did not converge in 120" in done.stdout


def _screening():
    from defectflow.demo import demo_folder

    return demo_folder("carbon_capture")


def test_a_junction_that_nobody_has_started(defectflow, tmp_path):
    study = JunctionStudy.create(tmp_path / "run", resource("workflows", "co_mgo_co.toml"), "gpaw")
    done = defectflow("watch", study.folder, "--once", COLUMNS="60")
    assert (done.returncode, f"0/{len(study.jobs)} done" in done.stdout) == (0, True), done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 60


def test_a_screening_is_followed_into_its_next_round(tmp_path):
    from defectflow.cli.watch import _Watcher

    folder = tmp_path / "run"
    shutil.copytree(_screening(), folder)
    later = folder / ScreenStudy.open(folder).promotions_file("relaxed").name
    later.rename(tmp_path / "later")
    watcher = _Watcher(folder)
    before = len(watcher.look().seen.rows)
    (tmp_path / "later").rename(later)
    assert len(watcher.look().seen.rows) > before


def marks(folder):
    return {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in (folder, *folder.rglob("*"))}


def test_it_leaves_nothing_in_the_folder_not_for_a_moment(half, defectflow):
    before = marks(half.folder)
    defectflow("watch", half.folder, "--once")
    assert marks(half.folder) == before


@pytest.mark.parametrize("words", [("nowhere",), (resource("workflows", "quick.toml"),), (".", "--every", "0")])
def test_wrong_use_is_a_message(defectflow, words):
    done = defectflow("watch", *words)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


class Terminal:
    """The command on a terminal of its own."""

    def __init__(self, folder, **environment):
        command = [sys.executable, "-m", "defectflow.cli.main", "watch", str(folder), "--every", "0.2"]
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.environ.update({"TERM": "xterm", "COLUMNS": "60", "LINES": "20", **environment})
            os.execv(sys.executable, command)
        self.text = ""

    def read(self):
        if select.select([self.fd], [], [], 0.2)[0]:
            try:
                self.text += os.read(self.fd, 65536).decode()
            except OSError:  # the other end is closed
                return False
        return True

    def wait_for(self, words, seconds=60):
        end = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < end, self.text[-2000:]
            self.read()

    def type(self, keys):
        os.write(self.fd, keys)

    def status(self, seconds=60):
        end = time.monotonic() + seconds
        while self.read():
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_it_follows_a_growing_trace_and_ends_with_the_study(half):
    half.set_state(BAD, JobState("done", half.result(BAD).input_hash, "gpaw", 1))
    with lease(half.folder):
        terminal = Terminal(half.folder)
        terminal.wait_for("step 1.3, dE +3.0e-02 eV, M +0.00")
        trace(half, JOB, step(4, 1e-3, 1.25))
        terminal.wait_for("step 1.4, dE +1.0e-03 eV, M +1.25")
        half.set_state(JOB, JobState("done", half.result(JOB).input_hash, "gpaw", 1))
        terminal.wait_for("12/12 done")
    assert (terminal.status(), "Traceback" in terminal.text) == (0, False)


@pytest.mark.parametrize(("key", "status"), [(b"q", 0), (b"\x03", 130)])
@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_a_key_ends_it(half, key, status, term):
    with lease(half.folder):
        terminal = Terminal(half.folder, TERM=term)
        terminal.wait_for("1 failed")
        terminal.type(key)
        assert (terminal.status(), "Traceback" in terminal.text) == (status, False)


def test_without_a_terminal_it_prints_what_changes(half):
    command = [sys.executable, "-m", "defectflow.cli.main", "watch", str(half.folder), "--every", "0.2"]
    with lease(half.folder):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        for line in process.stdout:
            if "1 running" in line:
                break
        half.set_state(JOB, JobState("done", half.result(JOB).input_hash, "gpaw", 1))
        assert f"done         {JOB}" in process.stdout.readline()
    assert process.communicate(timeout=60)[0].count("driver: none") == 1
    assert process.returncode == 1


def test_a_closed_output_is_no_traceback(demo):
    command = [sys.executable, "-m", "defectflow.cli.main", "watch", str(demo), "--once"]
    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *command], stderr=subprocess.PIPE, text=True, check=False)
    assert "Traceback" not in done.stderr
