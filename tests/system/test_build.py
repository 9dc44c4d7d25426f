"""What a packager gets: `cmake --install` puts everything where it is expected, and the programs are hardened (hazards S2)."""

import os
import subprocess

import pytest

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
