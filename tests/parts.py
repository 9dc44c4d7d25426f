"""Runs the parts of the test suite on what tests/run has built, and sums up what each runner said.

One Kafka serves all parts (REELGATE_TEST_KAFKA); each test uses topics of its own. --kafka 3 and --redis cluster
are for the system tests: they start three brokers, and a Redis Cluster each, themselves. Every process that a test
leaves behind becomes our child (PR_SET_CHILD_SUBREAPER): whatever is still there at the end is named, killed,
and fails the run.
"""

import argparse
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.join(ROOT, "deploy", "lib"))
from stack import kafka  # noqa: E402
from stack.process import StackError, started_at, tied_to_us  # noqa: E402

PR_SET_CHILD_SUBREAPER = 36
BUILD = os.path.join(ROOT, "build", "sanitize")          # or what --build says
PYTHON = os.path.join(ROOT, "build", "venv", "bin", "python")
CTEST_LABELS = ("unit", "contract", "component", "fuzz")
PARTS = (*CTEST_LABELS, "static", "sdk", "system", "fault", "browser")


def run(argv, *, cwd=ROOT, env=None):
    """Runs a command with its output both shown and returned."""
    child = subprocess.Popen(
        argv,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=tied_to_us(),
    )
    shown = []
    try:
        for line in child.stdout:
            print(line, end="", flush=True)
            shown.append(line)
    except BaseException:
        child.terminate()
        raise
    finally:
        child.wait()
    return child.returncode, "".join(shown)


def last_line(output, pattern):
    found = re.findall(pattern, output, re.MULTILINE)
    return found[-1].strip(" =") if found else ""


# ---- the parts: each returns (passed, its closing words)


def ctest(label, pattern):
    log = os.path.join(BUILD, "Testing", "Temporary", "LastTest.log")
    if os.path.exists(log):
        os.remove(log)
    argv = [
        "ctest",
        "--test-dir",
        BUILD,
        "-L",
        f"^{label}$",
        "--no-tests=error",
        "--output-on-failure",
        "-j2" if label == "unit" else "-j4",      # the others wait for brokers more than they compute
    ]
    status, output = run(argv + (["-R", pattern] if pattern else []))
    words = last_line(output, r"^\d+% tests passed.*$") or "no test was run"
    # A program without a single check would pass for ctest.
    checks = []
    if os.path.exists(log):
        with open(log, encoding="utf-8", errors="replace") as file:
            checks = [int(count) for count in re.findall(r"^\d+%: Checks: (\d+),", file.read(), re.MULTILINE)]
    if checks:
        words += f"; Check: {sum(checks)} checks in {len(checks)} programs"
    if 0 in checks:
        return False, words + "; a program ran NO check"
    return status == 0, words


def pytest(folder, pattern, *more):
    argv = [PYTHON, "-m", "pytest", folder, "--color=no", "-p", "no:cacheprovider", *more]
    status, output = run(argv + (["-k", pattern] if pattern else []))
    return (
        status == 0,
        last_line(output, r"^=+ .*(?:passed|failed|error|no tests|deselected).* =+$") or "no test was run",
    )


def sdk(_pattern):
    """The provider's own SDKs against the sandbox."""
    folder = os.path.join(ROOT, "tests", "system", "sdk")
    status, output = run(["./run"], cwd=folder, env={"REELGATE_BIN": BUILD})
    python = last_line(output, r"^=+ .*(?:passed|failed|error).* =+$") or "no Python test was run"
    node = last_line(output, r"^(?:#|ℹ) pass \d+$") or "no Node test was run"
    return status == 0 and not node.endswith("pass 0"), f"{python}; node: {node}"


def static(_pattern):
    """Layers, banned calls, clang-tidy, cppcheck."""
    status, output = run([sys.executable, os.path.join(ROOT, "tests", "static", "check.py"), BUILD])
    return status == 0, last_line(output, r"^static: .*$") or "nothing was checked"


def run_part(part, pattern):
    if part in ("sdk", "static"):
        return {"sdk": sdk, "static": static}[part](pattern)
    if part == "system":
        # Of two cores two runners leave a third idle: they wait for time-outs and brokers.
        runners = "2" if os.environ["REELGATE_TEST_BROKERS"] != "1" else "3"
        return pytest("tests/system", pattern, "--ignore=tests/system/browser", f"--numprocesses={runners}",
                      "--dist=loadfile")
    if part == "fault":
        return pytest("tests/fault", pattern, "--numprocesses=3", "--dist=loadfile")
    if part == "browser":
        return pytest("tests/system/browser", pattern, "--numprocesses=2", "--dist=worksteal")
    return ctest(part, pattern)


# ---- around them


def children():
    """Living processes whose parent we are; those of tests that ended without them included."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", "rb") as stat:
                parent = int(stat.read().rpartition(b")")[2].split()[1])
            if parent == os.getpid() and started_at(pid) is not None:
                with open(f"/proc/{pid}/cmdline", "rb") as line:
                    found.append(
                        (int(pid), line.read().replace(b"\0", b" ").decode("utf-8", "replace").strip())
                    )
        except OSError:
            continue
    return found


def left_behind():
    """Names and kills what is still there, until nothing is: killing a parent hands us its children."""
    named = []
    # What was told to end a moment ago may take a moment.
    limit = time.monotonic() + 3
    while children() and time.monotonic() < limit:
        reap()
        time.sleep(0.1)
    while living := children():
        for pid, line in living:
            named.append(f"{pid} {line[:160]}")
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
        reap()
    return named


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def options():
    parser = argparse.ArgumentParser(prog="tests/run")
    parser.add_argument("--only", default=",".join(PARTS), metavar="PARTS")
    parser.add_argument("-k", dest="pattern", default="")
    parser.add_argument("--kafka", type=int, default=1, choices=(1, 3), metavar="BROKERS")
    parser.add_argument("--redis", default="one", choices=("one", "cluster"))
    parser.add_argument("--build", default="sanitize", metavar="PRESET")
    chosen = parser.parse_args()
    chosen.parts = chosen.only.split(",")
    unknown = [part for part in chosen.parts if part not in PARTS]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return chosen


def run_parts(chosen):
    summary = []
    for part in chosen.parts:
        print(f"\n=== {part}", flush=True)
        began = time.monotonic()
        passed, words = run_part(part, chosen.pattern)
        summary.append((part, passed, words, time.monotonic() - began))
    return summary


def main():
    global BUILD
    chosen = options()
    if chosen.build != "sanitize":
        BUILD = os.path.join(ROOT, "build", chosen.build)
        os.environ["REELGATE_BIN"] = BUILD
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit("tests/run: this kernel can't tell which processes a test leaves behind")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    directory = os.path.join(ROOT, "build", "test", "kafka")
    shutil.rmtree(os.path.join(ROOT, "build", "test"), ignore_errors=True)
    broker = None
    summary = []
    os.environ |= {"REELGATE_TEST_BROKERS": str(chosen.kafka), "REELGATE_TEST_REDIS": chosen.redis}
    try:
        if chosen.kafka == 1 or chosen.parts != ["system"]:
            broker = kafka.start(directory, os.path.join(ROOT, "build", "kafka", "libs"))
            kafka.wait(broker)
            os.environ["REELGATE_TEST_KAFKA"] = f"127.0.0.1:{broker.more['port']}"
        summary = run_parts(chosen)
    except StackError as trouble:
        print(f"tests/run: {trouble}", file=sys.stderr)
    finally:
        if broker is not None:
            broker.kill()
        lost = left_behind()
    print("\n=== summary")
    for part, passed, words, seconds in summary:
        print(f"{'ok  ' if passed else 'FAIL'} {part:<10} {seconds:6.0f} s  {words}")
    for process in lost:
        print(f"FAIL a process was left behind: {process}")
    return 0 if summary and all(passed for _, passed, _, _ in summary) and not lost else 1


if __name__ == "__main__":
    sys.exit(main())
