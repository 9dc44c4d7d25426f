"""The fault tests use the system tests' rig, load and oracle."""

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "system"))

import brokers as kafkas  # noqa: E402
from canary import pytest_sessionfinish, pytest_terminal_summary  # noqa: E402, F401
from places import TEST_DATA  # noqa: E402
from windows import stack, world  # noqa: E402, F401


@pytest.fixture(scope="session")
def brokers():
    """One Apache Kafka: that of REELGATE_TEST_KAFKA (tests/run starts it), or our own."""
    given = os.environ.get("REELGATE_TEST_KAFKA")
    made = kafkas.Given(given) if given else kafkas.Brokers(os.path.join(TEST_DATA, f"kafka-{os.getpid()}"), 1)
    try:
        yield made
    finally:
        made.close()
