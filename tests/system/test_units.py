"""deploy/systemd, as far as it can be judged without a running systemd."""

import os
import shutil
import subprocess

import pytest

from places import ROOT

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
