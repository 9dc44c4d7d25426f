"""What the contract tests share: the table and samples of contract-dump, the decoder behind contract-decode,
the schemas with a real validator, and a second strict JSON parser."""

import functools
import json
import math
import os
import pathlib
import re
import subprocess

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "proto" / "schemas"
BYTES_MAX, DEPTH_MAX = 64 * 1024, 16


@functools.cache
def dump():
    """The table as the C side has it, and messages as the C side encodes them."""
    ran = subprocess.run([os.environ["CONTRACT_DUMP"]], check=True, capture_output=True, timeout=60)
    return json.loads(ran.stdout)


@functools.cache
def messages():
    return {message["type"]: message for message in dump()["messages"]}


@functools.cache
def schemas():
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(SCHEMAS.glob("*.json"))}


def decode(lines):
    """Hands (ce_type or None for bare JSON, bytes) pairs to the C decoder; it answers like "ok {...}" or
    "malformed REASON"."""
    text = "".join(f"{ce_type or '-'} {value.hex()}\n" for ce_type, value in lines)
    program = os.environ["CONTRACT_DECODE"]
    ran = subprocess.run([program], input=text.encode(), capture_output=True, timeout=120)
    assert ran.returncode == 0, ran.stderr.decode("utf-8", "replace")[-2000:]
    answers = ran.stdout.decode("utf-8").split("\n")
    assert answers.pop() == "" and len(answers) == len(lines)
    return answers


# ---- the validator. Two departures from jsonschema's defaults, both towards the letter: in JSON Schema
# 5.0 is an integer, in our contract it is none (a reader that keeps doubles loses digits in silence); and
# ECMA's $ means the very end, where Python's also matches before a last newline.

def _is_integer(_checker, value):
    return isinstance(value, int) and not isinstance(value, bool)


def _pattern(_validator, pattern, value, _schema):
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


_DRAFT = jsonschema.Draft202012Validator
_STRICT = jsonschema.validators.extend(
    _DRAFT, {"pattern": _pattern}, type_checker=_DRAFT.TYPE_CHECKER.redefine("integer", _is_integer))


@functools.cache
def validator(ce_type):
    return _STRICT(schemas()[ce_type], format_checker=_DRAFT.FORMAT_CHECKER)


# ---- the second parser: Python's, made as strict as ours says it is

class Refused(Exception):
    pass


def _members(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise Refused("duplicate key")
    return dict(pairs)


def _integer(digits):
    value = int(digits)
    if not -2**63 <= value < 2**63:
        raise Refused("integer beyond 64 bits")
    return value


def _real(digits):
    value = float(digits)
    if math.isinf(value):
        raise Refused("number beyond a double")
    return value


def _constant(name):
    raise Refused(name)


def _check(value, depth):
    if isinstance(value, str):
        if "\0" in value or any(0xD800 <= ord(c) <= 0xDFFF for c in value):
            raise Refused("NUL or half a surrogate pair")
    elif isinstance(value, (dict, list)):
        if depth >= DEPTH_MAX:
            raise Refused("too deep")
        for item in value.items() if isinstance(value, dict) else enumerate(value):
            _check(item[0], depth + 1)
            _check(item[1], depth + 1)


def strict_loads(raw):
    if len(raw) > BYTES_MAX:
        raise Refused("too large")
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_members, parse_int=_integer,
                           parse_float=_real, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(str(error)) from error
    _check(value, 0)
    return value
