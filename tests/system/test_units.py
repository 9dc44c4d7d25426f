"""deploy/systemd, as far as it can be judged without a running systemd."""

import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

from places import ROOT, bin_dir
from stack import programs

UNIT = os.path.join(ROOT, "deploy", "systemd", "reelgate@.service")
KEY = os.path.join(ROOT, "deploy", "systemd", "runway-key.conf")


def start_line():
    with open(UNIT, encoding="utf-8") as file:
        return next(line for line in file if line.startswith("ExecStart=")).removeprefix("ExecStart=").strip()


@pytest.mark.parametrize(
    "instance,program,slot",
    [("admission-0", "reelgate-admission", "0"), ("poller-12", "reelgate-poller", "12")],
)
def test_an_instance_is_a_program_and_its_slot(tmp_path, instance, program, slot):
    """The unit's own command line, with systemd's two substitutions made by hand and a stand-in for the
    program."""
    stand_in = tmp_path / program
    stand_in.write_text('#!/bin/sh\necho "$0 $REELGATE_INSTANCE_ID"\n')
    stand_in.chmod(0o755)
    line = start_line().replace("%i", instance).replace("$$", "$").replace("/usr/bin/", f"{tmp_path}/")
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(stand_in), slot]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine")
def test_systemd_takes_it_and_it_is_well_shut_in(tmp_path):
    (tmp_path / "reelgate@generator-0.service.d").mkdir()
    shutil.copy(UNIT, tmp_path)
    shutil.copy(KEY, tmp_path / "reelgate@generator-0.service.d")
    env = {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
    verify = subprocess.run(
        ["systemd-analyze", "verify", "reelgate@generator-0.service"],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert verify.returncode == 0 and "reelgate" not in verify.stderr, verify.stderr
    instance = shutil.copy(UNIT, tmp_path / "reelgate@poller-0.service")
    security = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", instance],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert security.returncode == 0, security.stdout[-300:]


# ---- the system calls that it leaves

SHUT_IN = os.path.join(ROOT, "tests", "system", "shut_in.py")
HEADER = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"


def calls_of(group):
    """The names of a group of systemd's, with those of the groups in it."""
    done = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
    words = [line.strip() for line in done.stdout.splitlines()[1:]]
    names = {word for word in words if word and word[0] not in "#@"}
    return names.union(*(calls_of(word) for word in words if word.startswith("@")))


def allowed_numbers():
    with open(UNIT, encoding="utf-8") as file:
        filters = re.findall(r"^SystemCallFilter=(~?)(.*)$", file.read(), re.MULTILINE)
    allowed = set()
    for taken_away, groups in filters:
        for group in groups.split():
            allowed = allowed - calls_of(group) if taken_away else allowed | calls_of(group)
    with open(HEADER, encoding="ascii") as file:
        numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", file.read()))
    return {name: int(numbers[name]) for name in allowed if name in numbers}


needs_both = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None or not os.path.exists(HEADER) or os.uname().machine != "x86_64",
    reason="needs systemd-analyze, and the numbers of x86-64's system calls",
)


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    path = tmp_path_factory.mktemp("calls") / "numbers"
    path.write_text(" ".join(map(str, allowed_numbers().values())))
    return str(path)


@needs_both
def test_the_filter_can_kill(listed):
    """chroot is privileged: a program that calls it is gone."""
    code = "import os; os.getpid(); os.chroot('/')"
    done = subprocess.run([sys.executable, SHUT_IN, listed, sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == -31, (done.returncode, done.stderr)  # SIGSYS


@needs_both
def test_the_pipeline_works_with_the_calls_that_are_left(make_rig, listed, tmp_path):
    """Every program under the unit's own filter: start, work, a reload, an end that was asked for. The sanitizers' own
    calls are few, and allowed; the leak checker's ptrace is not, so it stays at home."""
    rig = make_rig()
    for program in programs.PROGRAMS:
        real = programs.binary(bin_dir(), "reelgate-" + program)
        stand_in = tmp_path / ("reelgate-" + program)
        stand_in.write_text(f'#!/bin/sh\nexec {sys.executable} {SHUT_IN} {listed} {real} "$@"\n')
        stand_in.chmod(0o755)
    os.symlink(programs.binary(bin_dir(), "reelgate"), tmp_path / "reelgate")
    rig.stack.bin_dir = str(tmp_path)
    leaks = {"ASAN_OPTIONS": "detect_leaks=0"}
    started = {f"{name}-0": rig.start(name, ready=False, env=leaks) for name in programs.PROGRAMS}
    programs.wait_ready(started)
    rig.grant_and_wait("ada", 3)
    rig.request("well", "ada", prompt="[run:100ms] A paper boat")
    rig.request("failing", "ada", prompt="[fail:INTERNAL.BAD_OUTPUT.CODE01] A paper boat")
    rig.observer.event("well", "completed")
    rig.observer.event("failing", "failed")
    for process in started.values():
        process.signal(signal.SIGHUP)
    for name, process in started.items():
        assert process.alive(), f"{name}: {process.said()[-1000:]}"
        process.signal(signal.SIGTERM)
    for name, process in started.items():
        assert process.wait(programs.DRAIN_SECONDS + 5), f"{name} did not end"
        assert process.exit_status() == 0, f"{name}: {process.exit_status()}: {process.said()[-1000:]}"
