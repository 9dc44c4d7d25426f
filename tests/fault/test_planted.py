"""The list of tests/fault/planted is whole: each bug that can be planted has a check that catches it, and that check exists."""

import glob
import importlib.machinery
import importlib.util
import os

import pytest

import oracle
from places import ROOT

PATH = os.path.join(ROOT, "tests", "fault", "planted")


@pytest.fixture(scope="module")
def planted():
    loader = importlib.machinery.SourceFileLoader("planted", PATH)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("planted", loader))
    loader.exec_module(module)
    return module


def test_each_bug_has_a_check_that_exists(planted):
    rules = {rule.__name__ for rule in oracle.RULES}
    programs = ""
    for path in glob.glob(os.path.join(ROOT, "tests", "*", "*", "*_test.c")):
        with open(path, encoding="utf-8") as file:
            programs += file.read()
    assert set(planted.bugs()) == set(planted.CATCHERS) and len(planted.bugs()) >= 12
    for bug, (what, check) in planted.CATCHERS.items():
        assert check in rules if what[0].endswith(".py") else f"START_TEST({check})" in programs, bug


def test_each_test_that_is_run_exists(planted):
    for what, _ in planted.CATCHERS.values():
        if what[0].endswith("test_pauses.py"):
            with open(os.path.join(ROOT, what[0]), encoding="utf-8") as file:
                assert what[1] in file.read()


def test_what_a_runner_says_is_understood(planted):
    said = "E   AssertionError: 2 differences:\nE   books_balance: ann: wrong\nE   no_item_left: jobs: left\n"
    assert {"books_balance", "no_item_left"} <= set(planted.spoken(said))
    assert planted.spoken("../x_test.c:203:F:scenes:a_test_of_check:0: Assertion failed") == ["a_test_of_check"]
