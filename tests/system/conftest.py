"""One broker for all; for each file that asks for a rig, a stack of its own: topic prefix, Redis, sandbox and
workers.

The broker is the one of REELGATE_TEST_KAFKA (tests/run starts it) or, when a file is run by hand, one of our
own.
"""

import os
import random
import shutil

import pytest

from places import ROOT, TEST_DATA, bin_dir
from rig import Rig
from stack import kafka


def pytest_report_header():
    return f"programs under test: {bin_dir()}"


@pytest.fixture(scope="session")
def broker():
    """The address of a real Apache Kafka."""
    given = os.environ.get("REELGATE_TEST_KAFKA")
    if given:
        yield given
        return
    directory = os.path.join(TEST_DATA, f"kafka-{os.getpid()}")
    process = kafka.start(directory, os.path.join(ROOT, "build", "kafka", "libs"))
    try:
        kafka.wait(process)
        yield f"127.0.0.1:{process.more['port']}"
    finally:
        process.kill()
        shutil.rmtree(directory, ignore_errors=True)


def _open_rig(broker, request, sandbox):
    name = f"{request.module.__name__}-{random.randrange(16 ** 6):06x}"
    return Rig(
        os.path.join(TEST_DATA, name), bin_dir=bin_dir(), kafka=broker, prefix=name + ".", sandbox=sandbox
    )


@pytest.fixture
def make_rig(broker, request):
    """make_rig(): Kafka, Redis and the sandbox with fresh topics, no worker yet. Everything ends with the
    test."""
    made = []

    def make(**sandbox):
        made.append(_open_rig(broker, request, sandbox))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture(scope="module")
def rig(broker, request):
    """A whole system for the tests of one file: one instance of each worker, ready."""
    whole = _open_rig(broker, request, {})
    try:
        whole.start_workers()
        yield whole
    finally:
        whole.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test says where the logs of its programs are."""
    report = yield
    if report.failed:
        rigs = [value for value in item.funcargs.values() if isinstance(value, Rig)]
        report.sections.append(
            ("logs", "\n".join(rig.stack.path("log") for rig in rigs) or f"under {TEST_DATA}")
        )
    return report
