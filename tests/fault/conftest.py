"""The fault tests use the system tests' rig, load and oracle."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "system"))

import places  # noqa: E402,F401  makes deploy/lib importable
