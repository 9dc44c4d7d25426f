"""No secret that the tests hand out may ever be in what a program says (hazards S1): looked for at the end of a run, in every
log and in the pages that a rig's programs served last."""

import os

import pytest

from places import TEST_DATA
from stack import programs

SAID = (".log", ".page")


def secrets_under(directory):
    """The provider's key, and what signs each stack's tokens."""
    found = {programs.SANDBOX_SECRET}
    for folder, _, names in os.walk(directory):
        if "jwt.secret" in names:
            with open(os.path.join(folder, "jwt.secret"), encoding="ascii") as file:
                found.add(file.read().strip())
    return {secret.encode() for secret in found}


def leaks(directory):
    """"file: what it has" of each that has one of them; nothing when all is well."""
    secrets = secrets_under(directory)
    for folder, _, names in os.walk(directory):
        for name in names:
            if name.endswith(SAID):
                with open(os.path.join(folder, name), "rb") as file:
                    said = file.read()
                for secret in secrets:
                    if secret in said:
                        yield f"{os.path.join(folder, name)} has a secret ({secret[:6].decode()}...)"


def keep_pages(stack):
    """What the living programs say of themselves now."""
    for name in stack.program_names():
        process = stack.processes.get(name)
        if process is None or not process.alive() or "health" not in process.more:
            continue
        for page in ("metrics", "readyz"):
            status, body = programs.get(f"{process.more['health']}/{page}", timeout=1)
            if status:
                with open(stack.path("log", f"{name}-{page}.page"), "w", encoding="utf-8") as file:
                    file.write(body)


# ---- for conftest.py


def pytest_sessionfinish(session):
    """Once, where all was started."""
    if not hasattr(session.config, "workerinput"):
        session.config.leaks = list(leaks(TEST_DATA))
        if session.config.leaks:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    for leak in getattr(config, "leaks", ()):
        terminalreporter.write_line(f"FAILED {leak}")
