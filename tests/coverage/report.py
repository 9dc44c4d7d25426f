"""Sums up gcovr's JSON: how many lines of each part of the heart ran, and which did not.

    python3 tests/coverage/report.py build/coverage/lines.json
"""

import glob
import itertools
import json
import os
import re
import sys

BUILD = "build/coverage"
LEAST = 95.0
PARTS = {"the two worker shapes": "common/worker/", "the token account": "common/tokens/",
         "the intent": "services/generator/", "recovery": "services/ledger/"}

# Why nobody waits for a test of such a line (README.md); told by its words. The first that fits.
GROUPS = {
    "cannot be reached": r"unreachable\(\)|^case \w+_(STATES|KINDS|COUNT):",
    "an answer that our own scripts never give": r"can't be read|READ_BAD|->bad = true",
    "a trouble handed on": r"^return (trouble|TROUBLE_(RETRY|RESTART|RENEW|ABORT_BATCH));$|^trouble = \w+_cannot|= TROUBLE_RESTART;$"
                           r"|^return (fail|tokens_cannot)\(",
    "nothing to do": r"^(return|continue|break);",
}


def group(text):
    return next((name for name, words in GROUPS.items() if re.search(words, text)), "other")


def read(path):
    """file -> {line: how often it ran}, without lines that hold no code."""
    with open(path, encoding="utf-8") as file:
        return {entry["file"]: {line["line_number"]: line["count"] for line in entry["lines"]
                                if not line["gcovr/noncode"]} for entry in json.load(file)["files"]}


def outdated(path):
    """Was this source changed after it was built with counters? Its counts would be those of other lines."""
    folder, name = os.path.split(path)
    built = glob.glob(os.path.join(BUILD, folder, "CMakeFiles", "*.dir", name + ".gcno"))
    return not os.path.exists(path) or any(os.path.getmtime(path) > os.path.getmtime(one) for one in built)


def gaps(lines):
    """Lines that never ran, as (first, last)."""
    missed = [line for line, count in sorted(lines.items()) if count == 0]
    for _, run in itertools.groupby(enumerate(missed), lambda pair: pair[1] - pair[0]):
        run = [line for _, line in run]
        yield run[0], run[-1]


def list_gaps(files):
    """Prints what never ran; how many such lines there are of each group."""
    groups = dict.fromkeys([*GROUPS, "other"], 0)
    for path, lines in sorted(files.items()):
        with open(path, encoding="utf-8") as file:
            text = file.read().splitlines()
        for first, last in gaps(lines):
            kind = group(text[first - 1].strip())
            groups[kind] += sum(1 for line, count in lines.items() if first <= line <= last and count == 0)
            print(f"{path}:{first}{f'-{last}' if last > first else ''}: {text[first - 1].strip()}  [{kind}]")
    return groups


def main():
    files, poor = read(sys.argv[1]), 0
    if changed := [path for path in sorted(files) if outdated(path)]:
        sys.exit(f"changed since they were counted: {', '.join(changed)}; count anew: tests/coverage/run")
    groups = list_gaps(files)
    print()
    for name, lines in groups.items():
        print(f"{lines:5} never ran: {name}")
    print()
    for part, folder in PARTS.items():
        counts = [count for path, lines in files.items() if path.startswith(folder) for count in lines.values()]
        ran = 100 * sum(1 for count in counts if count) / len(counts) if counts else 0.0
        poor += ran < LEAST
        print(f"{'ok  ' if ran >= LEAST else 'LESS'} {part:<24} {ran:5.1f} % of {len(counts)} lines, "
              f"{counts.count(0)} never ran ({folder})")
    return 1 if poor else 0


if __name__ == "__main__":
    os.chdir(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
    sys.exit(main())
