"""Our programs as processes: their settings become flags, secrets environment, and their logs say where
they listen."""

import json
import os
import time
import urllib.error
import urllib.request

from .process import StackError, spawn, wait_until

WORKERS = ("admission", "generator", "poller", "ledger")
PROGRAMS = (*WORKERS, "gateway")  # the gateway needs none of them to start, and they need no gateway
DRAIN_SECONDS = 25

# For the sandbox alone: it takes any key of the right shape.
SANDBOX_SECRET = "key_" + "5a" * 64


def binary(bin_dir, program):
    """A program of a build tree (services/<folder>/<program>) or of an installed bin folder."""
    folder = {"reelgate": "cli"}.get(program, program.removeprefix("reelgate-"))
    for path in (os.path.join(bin_dir, "services", folder, program), os.path.join(bin_dir, program)):
        if os.access(path, os.X_OK):
            return path
    raise StackError(f"{program} is not built: there is none in {bin_dir}")


def start(argv0, settings, *, log, secrets=None, tied=True, **more):
    """settings: name -> value, as the program's --help names them."""
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    return spawn([argv0, *flags], log=log, env=secrets, tied=tied, **more)


def facts(process, name=None):
    """The log's JSON lines since its start, or those of one fact."""
    found = []
    for line in process.said().splitlines():
        if line.startswith("{"):
            try:
                fact = json.loads(line)
            except ValueError:
                continue  # a line that is being written
            if name is None or fact.get("msg") == name:
                found.append(fact)
    return found


def listening(process, what, fact="health_listening", seconds=30):
    """The address that the program says it listens on."""
    port = wait_until(lambda: [line["port"] for line in facts(process, fact)], seconds, what, process)[-1]
    return f"http://127.0.0.1:{port}"


def get(url, timeout=5):
    """(status, body) of a GET; (0, reason) when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()
    except OSError as trouble:
        return 0, str(trouble)


def ready(health):
    return get(health + "/readyz")[0] == 200


def wait_ready(programs, seconds=120):
    """programs: name -> Process with its health address. All of them at one look: whoever joins a group takes
    partitions from its neighbours, which are not ready while they do. StackError names who is not and why."""
    limit = time.monotonic() + seconds
    while True:
        waiting = {name: process for name, process in programs.items() if not ready(process.more["health"])}
        if not waiting:
            return
        for name, process in waiting.items():
            if not process.alive():
                raise StackError(
                    f"{name} ended with status {process.exit_status()}; its log is {process.more['log']}"
                )
            if time.monotonic() >= limit:
                reason = get(process.more["health"] + "/readyz")[1].strip()
                raise StackError(
                    f"{name} is not ready after {seconds} s: {reason}; its log is {process.more['log']}"
                )
        time.sleep(0.05)
