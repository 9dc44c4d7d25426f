"""deploy/local: up, down, status, logs."""

import argparse
import json
import os
import sys

from stack.process import StackError
from stack.progress import Progress
from stack.programs import PROGRAMS, ready
from stack.stack import ROOT, SERVICES, Stack

EXAMPLES = """\
examples:
  deploy/local up                    start what is missing: Kafka, Redis, the sandbox, one of each program
  deploy/local up --poller 3         the same with three pollers
  deploy/local status                what runs, and where
  deploy/local logs ledger-0 -f      follow one log
  deploy/local down poller-2         stop one instance
  deploy/local down                  stop everything; the data stays in build/local

exit status: 0 done (status: everything that was asked for is up and ready), 1 not, 2 wrong usage
"""


def arguments():
    parser = argparse.ArgumentParser(
        prog="deploy/local",
        description="The whole of Reelgate on this machine, for development.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--directory",
        default=os.path.join(ROOT, "build", "local"),
        help="where data, logs and pid files are (default: build/local)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="up|down|status|logs")
    up = commands.add_parser("up", help="start what is missing, leave the rest alone")
    for program in PROGRAMS:
        up.add_argument(
            f"--{program}",
            type=int,
            metavar="N",
            choices=range(0, 100),
            help=f"how many instances of reelgate-{program} (at first 1, then what it was)",
        )
    down = commands.add_parser("down", help="stop everything, or only what is named")
    down.add_argument("names", nargs="*", metavar="NAME", help="e.g. poller-2, sandbox, redis, kafka")
    status = commands.add_parser("status", help="what runs, and where")
    status.add_argument("--json", action="store_true", help="one JSON object")
    logs = commands.add_parser("logs", help="the end of the logs")
    logs.add_argument("names", nargs="*", metavar="NAME")
    logs.add_argument("-f", "--follow", action="store_true")
    return parser.parse_args()


def rows_of(status):
    for name in SERVICES:
        if status[name] is not None:
            yield name, status[name]["pid"], status[name]["address"]
    for program in status["programs"]:
        state = "ready" if program["health"] and ready(program["health"]) else "not ready"
        yield f"{program['name']} {program['instance']}", program["pid"], f"{program['health']}  {state}"


def complete(stack, status):
    """Everything that was asked for lives and is ready."""
    living = {(program["name"], program["instance"]) for program in status["programs"]}
    wanted = {
        ("reelgate-" + name, str(instance))
        for name in PROGRAMS
        for instance in range(stack.plan["instances"].get(name, 1))
    }
    return (
        all(status[name] is not None for name in SERVICES)
        and wanted <= living
        and all(ready(program["health"]) for program in status["programs"])
    )


def print_status(stack, as_json=False):
    status = stack.status()
    if as_json:
        print(json.dumps(status))
    else:
        for name, pid, where in rows_of(status):
            print(f"  {name:<22} {pid:>8}  {where}")
        if status["kafka"] is None:
            print("  nothing runs" if not any(rows_of(status)) else "  Kafka is not running")
    return 0 if complete(stack, status) else 1


def up(stack, options):
    counts = {name: getattr(options, name) for name in PROGRAMS if getattr(options, name) is not None}
    progress = Progress()
    try:
        stack.up(counts, say=progress)
    except BaseException:
        progress.close("not finished")
        raise
    progress.close()
    status = print_status(stack)
    settings = " ".join(f"{name}={value}" for name, value in stack.reelgate("status")[1].items())
    if stack.find("gateway-0") is not None:
        settings += f" REELGATE={stack.gateway_url()}"
    print(f"\n  reelgate's settings for this stack:\n  export {settings}")
    if stack.find("gateway-0") is not None:
        print(f"\n  console:  {stack.gateway_url()}")
        print(f"  user      {stack.console('ada')}")
        print(f"  admin     {stack.console('root', 'admin')}")
    return status


def down(stack, options):
    known = [*stack.program_names(), *SERVICES]
    unknown = [name for name in options.names if name not in known]
    if unknown:
        raise StackError(f"no such process: {', '.join(unknown)}; there are {', '.join(known)}")
    progress = Progress()
    progress("Stopping")
    killed = stack.stop(options.names, 30) if options.names else stack.down()
    progress.close()
    for name in killed:
        print(f"  {name} did not end by itself and was killed", file=sys.stderr)
    return 0


def logs(stack, options):
    paths = {name: stack.path("log", name + ".log") for name in [*stack.program_names(), "sandbox"]}
    paths.update({name: stack.path(name, name + ".log") for name in ("kafka", "redis")})
    unknown = [name for name in options.names if name not in paths]
    if unknown:
        raise StackError(f"no log of {', '.join(unknown)}; there are {', '.join(paths)}")
    chosen = [path for name, path in paths.items() if not options.names or name in options.names]
    chosen = [path for path in chosen if os.path.exists(path)]
    if not chosen:
        raise StackError("there are no logs yet: deploy/local up")
    os.execvp("tail", ["tail", "-n", "40", *(["-F"] if options.follow else []), *chosen])


def main():
    options = arguments()
    stack = Stack(options.directory, bin_dir=os.environ.get("REELGATE_BIN"), tied=False)
    try:
        if options.command == "status":
            return print_status(stack, options.json)
        return {"up": up, "down": down, "logs": logs}[options.command](stack, options)
    except StackError as trouble:
        print(f"deploy/local: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "\n  stopped half way; what was started is still there: up goes on, down ends it",
            file=sys.stderr,
        )
        return 130


if __name__ == "__main__":
    sys.exit(main())
