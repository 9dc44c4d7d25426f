"""The two commands that people begin with, as they run them: deploy/local and deploy/demo."""

import json
import os
import signal
import subprocess

import pytest

from places import ROOT, bin_dir
from stack import programs
from stack.process import started_at, wait_until

ENV = {**os.environ, "REELGATE_BIN": bin_dir()}


def local(directory, *words, status=0):
    """One deploy/local command; its output goes to a file, since what it starts keeps its own."""
    done = subprocess.run(
        [os.path.join(ROOT, "deploy", "local"), "--directory", str(directory), *words],
        env=ENV, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def living(status):
    services = [status[name]["pid"] for name in ("kafka", "redis", "sandbox") if status[name]]
    return services + [program["pid"] for program in status["programs"]]


@pytest.fixture
def directory(tmp_path):
    yield tmp_path / "stack"
    local(tmp_path / "stack", "down")


def test_local_up_status_down(directory):
    assert json.loads(local(directory, "status", "--json", status=1)) == {
        "kafka": None, "redis": None, "sandbox": None, "gateway": None, "programs": [],
    }  # fmt: skip
    local(directory, "up", "--poller", "2")
    first = json.loads(local(directory, "status", "--json"))
    assert set(first) == {"kafka", "redis", "sandbox", "gateway", "programs"}
    assert all(set(first[name]) == {"address", "pid"} for name in ("kafka", "redis", "sandbox", "gateway"))
    assert [(program["name"], program["instance"]) for program in first["programs"]] == [
        ("reelgate-admission", "0"), ("reelgate-generator", "0"), ("reelgate-poller", "0"),
        ("reelgate-poller", "1"), ("reelgate-ledger", "0"), ("reelgate-gateway", "0"),
    ]  # fmt: skip
    assert all(programs.ready(program["health"]) for program in first["programs"])

    # up again: what is missing is started, at the same address, and the rest is left alone.
    lost = [first["programs"][3]["pid"], first["redis"]["pid"]]
    for pid in lost:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: all(started_at(pid) is None for pid in lost), 10, "the end of two processes")
    local(directory, "status", status=1)
    local(directory, "up")
    second = json.loads(local(directory, "status", "--json"))
    assert set(living(first)) - set(living(second)) == set(lost)
    assert len(living(second)) == len(living(first))
    assert second["redis"]["address"] == first["redis"]["address"]

    assert '"service":"reelgate-poller","instance":"0"' in local(directory, "logs", "poller-0")
    local(directory, "down", "poller-1")
    assert len(living(json.loads(local(directory, "status", "--json", status=1)))) == len(living(first)) - 1
    local(directory, "down")
    assert all(started_at(pid) is None for pid in living(second))


def start_demo(directory, *words):
    """As a terminal starts it: in the background of a shell, Ctrl-C would be ignored by all that it starts."""
    return subprocess.Popen(
        [os.path.join(ROOT, "deploy", "demo"), f"--directory={directory}", *words],
        env=ENV, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def pids_of(directory):
    """Of every process that the stack in this directory remembers."""
    found = []
    for name in os.listdir(directory / "run"):
        if name.endswith(".json"):
            found.append(json.loads((directory / "run" / name).read_text())["pid"])
    return found


def test_demo_tells_its_stories_and_leaves_nothing(directory):
    demo = start_demo(directory)
    wait_until(lambda: (directory / "run" / "ledger-0.json").exists(), 120, "the last program of the demo")
    pids = pids_of(directory)
    assert len(pids) == 7
    said, _ = demo.communicate(timeout=240)
    assert demo.returncode == 0, said
    for story in ("no tokens", "enough tokens", "exactly enough", "two at once", "the render fails"):
        assert any("✓" in line and story in line for line in said.splitlines()), f"{story}:\n{said}"
    assert "The books balance" in said
    assert all(started_at(pid) is None for pid in pids)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_demo_leaves_nothing_when_it_is_ended(directory, how):
    demo = start_demo(directory)
    wait_until(lambda: (directory / "run" / "sandbox.json").exists(), 60, "the sandbox of the demo")
    pids = pids_of(directory)
    demo.send_signal(how)
    demo.communicate(timeout=90)
    wait_until(lambda: all(started_at(pid) is None for pid in pids), 10, "the end of what the demo started")
    assert demo.returncode == {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143}[how]


def test_demo_asks_before_it_pays(directory):
    for env, word in (({}, "RUNWAYML_API_SECRET"), ({"RUNWAYML_API_SECRET": "key_" + "0" * 128}, "--yes")):
        done = subprocess.run(
            [os.path.join(ROOT, "deploy", "demo"), f"--directory={directory}", "--real"],
            env={**ENV, **env}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1 and word in done.stderr
        assert not directory.exists(), "something was started"


def test_demo_does_not_empty_a_strangers_directory(tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    done = subprocess.run(
        [os.path.join(ROOT, "deploy", "demo"), f"--directory={tmp_path}"],
        env=ENV, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and str(tmp_path) in done.stderr
    assert (tmp_path / "precious.txt").exists()
