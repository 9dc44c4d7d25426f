"""One Kafka for all; for each file that asks for a rig, a stack of its own: topic prefix, Redis, sandbox and
workers.

Kafka is the broker of REELGATE_TEST_KAFKA (tests/run starts it) or, when a file is run by hand, one of our
own. `tests/run --kafka 3` (REELGATE_TEST_BROKERS) makes it three, of which each test loses one; `--redis cluster`
(REELGATE_TEST_REDIS) gives each stack a Redis Cluster.
"""

import os
import random

import pytest

import brokers as kafkas
from canary import pytest_sessionfinish, pytest_terminal_summary  # noqa: F401
from places import BROKERS, TEST_DATA, bin_dir
from rig import Rig

REDIS = os.environ.get("REELGATE_TEST_REDIS", "one")


def pytest_configure(config):
    for name in ("one_redis", "one_broker"):
        config.addinivalue_line("markers", f"{name}(reason): a test of one server; left out on several")


def pytest_report_header():
    return f"programs under test: {bin_dir()}; Redis: {REDIS}, Kafka brokers: {BROKERS}"


def pytest_collection_modifyitems(items):
    """What is about one server by its nature, and says so, is left out on more of them."""
    for item in items:
        for name, other in (("one_redis", REDIS != "one"), ("one_broker", BROKERS != 1)):
            mark = item.get_closest_marker(name)
            if mark and other:
                item.add_marker(pytest.mark.skip(reason=mark.args[0]))


@pytest.fixture(scope="session")
def brokers():
    """A real Apache Kafka."""
    given = os.environ.get("REELGATE_TEST_KAFKA")
    made = kafkas.Given(given) if given and BROKERS == 1 else kafkas.Brokers(
        os.path.join(TEST_DATA, f"kafka-{os.getpid()}"), BROKERS, loses=BROKERS > 1
    )
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def broker(brokers):
    """Its address."""
    return brokers.address


def _open_rig(brokers, request, sandbox, shape=REDIS):
    name = f"{request.module.__name__}-{random.randrange(16 ** 6):06x}"
    return Rig(
        os.path.join(TEST_DATA, name),
        bin_dir=bin_dir(),
        kafka=brokers,
        prefix=name + ".",
        sandbox=sandbox,
        shape=shape,
    )


@pytest.fixture
def make_rig(brokers, request):
    """make_rig(): Kafka, Redis and the sandbox with fresh topics, no worker yet. Everything ends with the
    test. shape: of Redis, when it is not the run's."""
    made = []

    def make(shape=REDIS, **sandbox):
        made.append(_open_rig(brokers, request, sandbox, shape))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture(scope="module")
def rig(brokers, request):
    """A whole system for the tests of one file: one instance of each worker, ready."""
    whole = _open_rig(brokers, request, {})
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
