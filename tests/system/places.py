"""Where things are. Importing it makes the local stack's own modules (deploy/lib) importable."""

import os
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
TEST_DATA = os.path.join(ROOT, "build", "test")
sys.path.insert(0, os.path.join(ROOT, "deploy", "lib"))


def bin_dir():
    """The programs under test: those with sanitizers, unless REELGATE_BIN names others."""
    return os.environ.get("REELGATE_BIN", os.path.join(ROOT, "build", "sanitize"))
BROKERS = int(os.environ.get("REELGATE_TEST_BROKERS", "1"))      # tests/run --kafka
