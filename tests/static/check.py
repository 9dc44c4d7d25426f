"""Static checks: the layers and banned calls (tests/layers), clang-tidy and cppcheck over every file, and that what
tests/HAZARDS.md names is there.

    python3 tests/static/check.py [--deep] [BUILD]     BUILD: build/sanitize, built, with its compile_commands.json

--deep: with clang's path analysis, which takes seconds a file. What was clean is remembered by a hash of all that the verdict depends on: the
bytes of the file and of every header it includes (as the compiler listed them), its command line, the
configuration and the tool's version. A file that is not in compile_commands.json fails the run, and so does a
tool that does not find the bugs of planted.c.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PLANTED = os.path.join(HERE, "planted.c")
# In no target of this build: planted.c in none at all, dump.c in that of tests/coverage/run.
ELSEWHERE = (PLANTED, os.path.join(ROOT, "tests", "coverage", "dump.c"))
TIDY = ["clang-tidy", "--quiet", "--extra-arg=-Wno-error", "--extra-arg=-Wno-unknown-warning-option",
        "--extra-arg=-Wno-string-conversion"]        # must(!"the reason") is meant
SHALLOW = ["--checks=-clang-analyzer-*"]
# In a test a crash is a finding anyway, and Check's macros would be most of it; names with __ wrap functions; a seed
# that is known, a command, texts pasted together and doubles compared by their bits are what some tests are about.
TESTS_ONLY = ["--checks=-clang-analyzer-*,-bugprone-reserved-identifier,-bugprone-suspicious-missing-comma,"
              "-bugprone-suspicious-memory-comparison,-cert-*"]
CPPCHECK = ["cppcheck", "--quiet", "--enable=warning", "--inline-suppr", "--max-configs=1",
            "--error-exitcode=1", "--library=posix", "--library=gnu",
            "--library=" + os.path.join(HERE, "cppcheck.cfg"),
            # Not over the tests: it does not see that a failed ck_assert ends one.
            # librdkafka's and our own headers are enough; the system's are in its libraries' knowledge.
            "--suppress=missingIncludeSystem"]


def said(argv):
    done = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


# ---- which files, and what each depends on


def sources():
    for top in ("common", "proto", "services", "tests"):
        for directory, _, names in os.walk(os.path.join(ROOT, top)):
            for name in names:
                path = os.path.join(directory, name)
                if name.endswith(".c") and path not in ELSEWHERE:
                    yield path


def commands(build):
    """source -> its entry in compile_commands.json."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        return {os.path.realpath(os.path.join(entry["directory"], entry["file"])): entry for entry in json.load(file)}


def dependencies(build):
    """object -> the files that ninja knows it was made from."""
    status, output = said(["ninja", "-C", build, "-t", "deps"])
    found, current = {}, None
    for line in output.splitlines() if status == 0 else []:
        if line.startswith("    "):
            current.append(os.path.join(build, line.strip()))
        elif ": #deps" in line:
            current = found.setdefault(line.partition(":")[0], [])
    return found


class Memory:
    """Hashes of what was found clean."""

    def __init__(self, build, folder):
        self.folder = folder
        self.dependencies = dependencies(build)
        self.hashes = {}
        self.base = self.hash_of(os.path.join(ROOT, ".clang-tidy")) + said(["clang-tidy", "--version"])[1] + repr(TIDY)
        os.makedirs(folder, exist_ok=True)

    def hash_of(self, path):
        if path not in self.hashes:
            with open(path, "rb") as file:
                self.hashes[path] = hashlib.sha256(file.read()).hexdigest()
        return self.hashes[path]

    def key(self, source, entry, more):
        """None when the compiler never told what the file includes."""
        command = entry["command"]
        output = re.search(r" -o (\S+)", command)
        depends_on = self.dependencies.get(output.group(1)) if output else None
        if not depends_on:
            return None
        parts = [self.base, command, repr(more), self.hash_of(source), *map(self.hash_of, sorted(depends_on))]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def knows(self, key):
        return key is not None and os.path.exists(os.path.join(self.folder, key))

    def add(self, key):
        if key is not None:
            open(os.path.join(self.folder, key), "w", encoding="utf-8").close()


# ---- the checks: each returns what to say of the trouble found, and a closing line


def clang_tidy(build, memory, entries, deep):
    troubles, looked_at = [], 0

    def look(source):
        of_tests = source.startswith(os.path.join(ROOT, "tests"))
        more = TESTS_ONLY if of_tests else [] if deep else SHALLOW
        key = memory.key(source, entries[source], more)
        if memory.knows(key):
            return None
        status, output = said([*TIDY, *more, "-p", build, source])
        if status == 0 and not re.search(r"(warning|error): ", output):
            memory.add(key)
        else:
            troubles.append(re.sub(r"^\d+ warnings? .*\n", "", output, flags=re.M))
        return source

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        looked_at = sum(1 for source in pool.map(look, sorted(entries)) if source)
    return troubles, f"clang-tidy: {len(entries)} files, {looked_at} of them looked at, the others unchanged"


def cppcheck(build, folder):
    os.makedirs(folder, exist_ok=True)
    status, output = said([*CPPCHECK, "-j2", f"--cppcheck-build-dir={folder}",
                           # a path from here, so that the filters below meet paths from here, too
                           "--project=" + os.path.relpath(os.path.join(build, "compile_commands.json"), ROOT),
                           *(f"--file-filter={top}/*" for top in ("common", "proto", "services"))])
    return [output] if status != 0 or output.strip() else [], "cppcheck: the product's files"


def unseen(entries):
    """Files that nobody would look at."""
    return [f"{os.path.relpath(path, ROOT)}: is in no target of the build, so nothing checks it"
            for path in sources() if path not in entries]


def planted():
    """Each tool against the bugs that it must find."""
    with open(PLANTED, encoding="utf-8") as file:
        wanted = [(number, *match.groups()) for number, line in enumerate(file, 1)
                  if (match := re.search(r"/\* (clang-tidy|cppcheck): (\S+) ", line))]
    found = {"clang-tidy": said([*TIDY, PLANTED, "--", "-std=c11"])[1],
             "cppcheck": said([*CPPCHECK, PLANTED])[1]}
    troubles = [f"tests/static/planted.c:{number}: {tool} does not find {bug}" for number, tool, bug in wanted
                if not re.search(rf"planted\.c:{number}:.*\[{re.escape(bug)}", found[tool])]
    return troubles, f"planted bugs: {len(wanted) - len(troubles)} of {len(wanted)} found"


def hazards():
    """tests/HAZARDS.md names files and tests: each must be there."""
    troubles, count = [], 0
    with open(os.path.join(ROOT, "tests", "HAZARDS.md"), encoding="utf-8") as file:
        named = re.findall(r"`((?:common|deploy|services|tests)/[\w./@-]+)(?::(\w+))?`", file.read())
    for path, name in named:
        count += 1
        try:
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                there = re.search(rf"\b{name}\b", file.read())
        except OSError:
            there = None
        if not there:
            troubles.append(f"tests/HAZARDS.md: {path}{':' + name if name else ''} is not there")
    return troubles, f"hazards: {count} places named"


def layers():
    status, output = said([sys.executable, os.path.join(ROOT, "tests", "layers", "check.py"), ROOT])
    return [output] if status != 0 else [], output.strip().splitlines()[-1]


def main():
    words = [word for word in sys.argv[1:] if word != "--deep"]
    build = os.path.realpath(words[0] if words else os.path.join(ROOT, "build", "sanitize"))
    cache = os.path.join(ROOT, "build", "static")
    entries = {path: entry for path, entry in commands(build).items()
               if path.startswith(tuple(os.path.join(ROOT, top) + os.sep
                                        for top in ("common", "proto", "services", "tests")))}
    results = [layers(), hazards(), (unseen(entries), f"files in the build: {len(entries)}"), planted(),
               cppcheck(build, os.path.join(cache, "cppcheck")),
               clang_tidy(build, Memory(build, os.path.join(cache, "clean")), entries,
                          "--deep" in sys.argv)]
    failed = 0
    for troubles, words in results:
        for trouble in troubles:
            print(trouble.rstrip())
        failed += bool(troubles)
        print(words)
    print(f"static: {len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
