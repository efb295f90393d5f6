import json
import os
import sys
import threading
import time

from defectflow.executors import NO_TIME, Task, read_track, run_task

PRINT = "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k[:11] in ('DEFECTFLOW_', 'OMP_NUM_THR')}))"


def run(folder, code=PRINT, **options):
    ended = run_task(Task((sys.executable, "-c", code), folder, **options))
    return ended, (folder / "worker.log").read_text() if (folder / "worker.log").exists() else ""


def test_a_task_leaves_where_it_ran_and_how_it_ended(tmp_path):
    ended, _ = run(tmp_path, "raise SystemExit(3)")
    track = read_track(tmp_path)
    assert (track.status, track.pid, track.running) == (3, os.getpid(), False)
    assert track.seconds == ended.seconds


def test_a_running_task_can_be_seen(tmp_path):
    thread = threading.Thread(target=run, args=(tmp_path, "import time; time.sleep(1)"))
    thread.start()
    while read_track(tmp_path) is None:
        time.sleep(0.01)
    assert read_track(tmp_path).running
    thread.join()


def test_nothing_is_started_in_a_scheduler_job_that_ends_soon(tmp_path, monkeypatch):
    monkeypatch.setenv("DEFECTFLOW_END_TIME", str(time.time() + 60))
    ended, log = run(tmp_path, margin=100.0)
    assert (ended.status, log, read_track(tmp_path)) == (NO_TIME, "", None)


def test_a_calculation_is_told_when_to_stop(tmp_path, monkeypatch):
    end = time.time() + 1000
    monkeypatch.setenv("DEFECTFLOW_END_TIME", str(end))
    _, log = run(tmp_path, margin=100.0)
    told = json.loads(log)
    assert abs(float(told["DEFECTFLOW_END_TIME"]) - end) < 2
    assert (told["DEFECTFLOW_MARGIN"], told["DEFECTFLOW_VASP_MARGIN"]) == ("100", "100")


def test_threads_are_those_asked_for(tmp_path):
    assert json.loads(run(tmp_path, threads=4)[1])["OMP_NUM_THREADS"] == "4"


def test_a_program_that_is_not_there_has_status_127_and_says_so(tmp_path):
    assert run_task(Task(("/no/such/program",), tmp_path)).status == 127
    assert "/no/such/program: No such file or directory" in (tmp_path / "worker.log").read_text()
