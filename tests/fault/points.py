"""The crash points of the programs, read from the table that makes them (common/base/crash_points.def)."""

import os
import re
from dataclasses import dataclass

from places import ROOT

TABLE = os.path.join(ROOT, "common", "base", "crash_points.def")
ROW = re.compile(r'^CRASH_POINT\((\w+),\s*"([^"]+)",\s*"([^"]+)",\s*"([^"]+)",\s*"([^"]+)"\)', re.MULTILINE)


@dataclass(frozen=True)
class Fall:
    """A program ends at the passing-th time that it gets to a point."""

    point: str
    program: str
    passing: int
    way: str  # what has to happen, so that it gets there

    def __str__(self):
        return f"{self.program}.{self.point}.{self.passing}"


def falls():
    with open(TABLE, encoding="utf-8") as file:
        text = file.read()
    found = []
    for _, point, who, way, _ in ROW.findall(text):
        for program in who.split():
            name, _, passing = program.partition(":")
            found.append(Fall(point, name, int(passing), way))
    assert len(ROW.findall(text)) == len(re.findall(r"^CRASH_POINT\(", text, re.MULTILINE)), "an unreadable row"
    return found
