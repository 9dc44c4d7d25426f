"""One stack with a gateway for all browser tests, and one Chromium that each test finds as if it were new.
Users are apart from test to test, so that none sees another's tokens."""

import itertools
import os
import random

import pytest

from places import TEST_DATA, bin_dir
from rig import Rig
from browser.web import Browser, Gateway

_names = itertools.count(1)


@pytest.fixture(scope="package")
def stack(broker):
    """Kafka, Redis, sandbox and all workers."""
    name = f"browser-{random.randrange(16 ** 6):06x}"
    rig = Rig(os.path.join(TEST_DATA, name), bin_dir=bin_dir(), kafka=broker, prefix=name + ".", sandbox={})
    try:
        rig.start_workers()
        yield rig
    finally:
        rig.close()


@pytest.fixture(scope="package")
def gateway(stack):
    running = Gateway(stack)
    try:
        yield running
    finally:
        running.close()


@pytest.fixture(scope="package")
def _chromium():
    browser = Browser(os.path.join(TEST_DATA, "downloads"))
    try:
        yield browser
    finally:
        browser.close()


@pytest.fixture
def page(_chromium, gateway, request):
    """A fresh tab. A test during which the browser complained about the page has failed."""
    _chromium.fresh(gateway)
    yield _chromium
    if getattr(request.node, "failed", False):
        _chromium.screenshot(os.path.join(TEST_DATA, f"{request.node.name}.png"))
    complaints = _chromium.complaints()
    assert not complaints, "the browser complained:\n" + "\n".join(complaints)


@pytest.fixture
def user():
    """An id that no other test uses."""
    return f"user-{next(_names)}-{random.randrange(16 ** 4):04x}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        item.failed = True
    return report
