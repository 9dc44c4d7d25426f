"""The layer check: arrows point down only, each third-party header lives in one folder, no banned call anywhere.

    python3 tests/layers/check.py [ROOT]

Prints one line for each breach and a closing count; exit status 1 on any breach.
"""

import os
import re
import sys

# A folder may include those in rows above its own, and itself. Two folders of one row never include each other.
LAYERS = [
    ["common/base"],
    ["common/json", "common/kafka", "common/redis", "common/http"],
    ["proto", "common/policy", "common/tokens", "common/runway", "common/bearer"],
    ["common/worker"],
    ["services"],
]
OWNERS = {"librdkafka/": "common/kafka", "hiredis": "common/redis", "curl/": "common/http", "microhttpd.h": "common/http",
          "jansson.h": "common/json", "zlib.h": "common/base", "openssl/": "proto common/bearer"}
BANNED = {"strcpy": "text_add or snprintf", "strcat": "text_add", "sprintf": "snprintf", "vsprintf": "vsnprintf",
          "gets": "fgets", "atoi": "strtol with a check", "atol": "strtol with a check", "strtok": "strcspn",
          "system": "nothing", "popen": "nothing", "tmpnam": "mkstemp", "alloca": "xmalloc",
          "strncpy": "text_copy or snprintf", "strncat": "text_add", "atof": "strtod with a check",
          "rand": "base/random.h", "srand": "base/random.h", "signal": "sigaction", "vfork": "nothing", "fork": "nothing",
          "localtime": "clock_format", "gmtime": "gmtime_r", "ctime": "clock_format", "asctime": "clock_format",
          "setenv": "the settings", "putenv": "the settings", "longjmp": "a return",
          "gethostbyname": "getaddrinfo", "rd_kafka_consume_batch_queue": "single polls (hazards, fixes after 2.0.2)",
          "rd_kafka_consume_batch": "single polls (hazards, fixes after 2.0.2)",
          "rd_kafka_produceva": "rd_kafka_producev (hazards, fixes after 2.0.2)",
          "rd_kafka_consumer_group_metadata_new": "rd_kafka_consumer_group_metadata (hazards K4)"}
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)


def folder_of(path):
    """The layer folder that a file belongs to; for services the program's own folder."""
    parts = path.split("/")
    if parts[0] == "services":
        return "/".join(parts[:2])
    return parts[0] if parts[0] == "proto" else "/".join(parts[:2])


def row_of(folder):
    for row, folders in enumerate(LAYERS):
        if folder in folders or folder.split("/")[0] in folders:
            return row
    raise KeyError(folder)


def resolve(name, root):
    """An include as it is written, from common/, services/ or the top; None: not ours, or made by the build."""
    for base in ("common/", "services/", ""):
        if os.path.exists(os.path.join(root, base + name)):
            return base + name
    return None


def breaches_of(path, text, root):
    folder = folder_of(path)
    for ours, foreign in INCLUDE.findall(text):
        target = resolve(ours, root) if ours else None
        if target and folder_of(target) != folder and row_of(folder_of(target)) >= row_of(folder):
            yield f"includes {ours}: {folder_of(target)} is not below {folder}"
        for header, owner in OWNERS.items():
            if foreign.startswith(header) and folder not in owner.split():
                yield f"includes <{foreign}>, which only {owner} may name"
    code = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', " ", text, flags=re.S)
    for call in BANNED_CALL.findall(code):
        yield f"calls {call}(): use {BANNED[call]}"


def sources(root):
    for top in ("proto", "common", "services"):
        for directory, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h", ".def")):
                    yield os.path.relpath(os.path.join(directory, name), root)


def self_test(root):
    """The check must be able to fail: one planted breach of each kind."""
    planted = {
        "common/base/x.c": '#include "kafka/kafka.h"', "common/kafka/x.c": '#include "redis/redis.h"',
        "services/poller/x.c": '#include "generator/generator.h"', "services/ledger/x.c": "#include <hiredis.h>",
        "common/worker/x.c": "strcpy(a, b);",
    }
    return [path for path, text in planted.items() if not list(breaches_of(path, text, root))]


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "..")
    missed, failed, passed = self_test(root), 0, 0
    for path in missed:
        print(f"the check misses the breach planted as {path}")
    for path in sources(root):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            found = list(breaches_of(path, file.read(), root))
        for breach in found:
            print(f"{path}: {breach}")
        failed, passed = failed + bool(found), passed + (not found)
    print(f"layers: {passed} passed, {failed + len(missed)} failed")
    sys.exit(1 if failed or missed or not passed else 0)


if __name__ == "__main__":
    main()
