"""What a packager gets: `cmake --install` puts everything where it is expected, and the programs are hardened (hazards S2)."""

import os
import subprocess

import pytest

from places import bin_dir
from stack import programs

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
PROGRAMS = ("reelgate", "reelgate-admission", "reelgate-generator", "reelgate-poller", "reelgate-ledger",
            "reelgate-gateway", "reelgate-sandbox")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    root = tmp_path_factory.mktemp("installed")
    subprocess.run(["cmake", "--install", os.path.join(ROOT, "build", "release"), "--prefix", "/usr"],
                   env={**os.environ, "DESTDIR": str(root)}, check=True, capture_output=True)
    return root / "usr"


@pytest.mark.parametrize("place", [
    *(f"bin/{program}" for program in PROGRAMS), "share/reelgate/policy.json", "share/reelgate/asyncapi.yaml",
    "share/reelgate/openapi.yaml",
    "share/reelgate/schemas/reelgate.generation.requested.json", "share/reelgate/lua/reserve.lua"])
def test_is_installed(installed, place):
    assert (installed / place).is_file()


@pytest.mark.parametrize("program", PROGRAMS)
def test_is_hardened(installed, program):
    said = subprocess.run(["readelf", "-Wlds", str(installed / "bin" / program)], check=True, capture_output=True,
                          text=True).stdout
    assert "BIND_NOW" in said and "GNU_RELRO" in said, "full RELRO"
    assert "PIE" in said, "position independent"
    stack = [line for line in said.splitlines() if "GNU_STACK" in line]
    assert stack and " RW " in stack[0] and "RWE" not in stack[0], "no executable stack"
    assert "__stack_chk_fail" in said, "stack protector"
    assert "_chk@GLIBC" in said, "FORTIFY_SOURCE"


@pytest.mark.parametrize("program", PROGRAMS)
def test_tells_version_and_help(installed, program):
    path = str(installed / "bin" / program)
    version = subprocess.run([path, "--version"], check=True, capture_output=True, text=True).stdout
    assert program in version
    told = subprocess.run([path, "--help"], check=True, capture_output=True, text=True).stdout
    assert "Examples" in told or "examples" in told


@pytest.mark.parametrize("program", PROGRAMS)
def test_has_no_bug_planted(installed, program):
    """Crash points and planted bugs (common/base) are in builds for tests only, and only there."""
    names = b"REELGATE_PLANTED_BUG", b"REELGATE_CRASH_POINT"
    assert not any(name in (installed / "bin" / program).read_bytes() for name in names)
    if program.removeprefix("reelgate-") in programs.WORKERS:
        with open(programs.binary(bin_dir(), program), "rb") as file:
            built_for_tests = file.read()
        assert all(name in built_for_tests for name in names)
