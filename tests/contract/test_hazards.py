"""Strict JSON: the known ways in which two parsers read one text differently. A second parser, Python's made
strict, has to agree with ours on each, and both with what is written here."""

import pytest

from contract import Refused, decode, strict_loads, validator

IDS = b'"generationId":"g","userId":"u"'
GOOD = b'{' + IDS + b',"prompt":"p"}'


def with_member(member):
    return b'{' + IDS + b',"prompt":"p",' + member + b'}'


def with_prompt(prompt):
    return b'{' + IDS + b',"prompt":"' + prompt + b'"}'


def nested(levels):
    return with_member(b'"x":' + b'[' * levels + b']' * levels)


HAZARDS = [
    ("plain", GOOD, True),
    ("white space around", b" \t\r\n" + GOOD + b"\n ", True),
    ("empty", b"", False),
    ("only white space", b"  ", False),
    ("cut short", GOOD[:-1], False),
    ("two documents", GOOD + GOOD, False),
    ("bytes after the end", GOOD + b"x", False),
    ("NUL after the end", GOOD + b"\0", False),
    ("NUL after a number", with_member(b'"seed":1\0'), False),
    ("NUL between a number and a comma", GOOD.replace(b'"prompt"', b'"seed":1\0,"prompt"'), False),
    ("byte order mark", b"\xef\xbb\xbf" + GOOD, False),
    ("UTF-16", GOOD.decode().encode("utf-16"), False),
    ("duplicate key", with_member(b'"prompt":"q"'), False),
    ("duplicate key, the same value", with_member(b'"prompt":"p"'), False),
    ("duplicate key, one escaped", with_member(b'"\\u0070rompt":"q"'), False),
    ("duplicate key inside an unknown member", with_member(b'"x":{"a":1,"a":2}'), False),
    ("a hundred members", with_member(b",".join(b'"k%d":%d' % (i, i) for i in range(100))), True),
    ("duplicate among a hundred", with_member(b",".join(b'"k%d":0' % (i % 99) for i in range(100))), False),
    ("seven thousand members", with_member(b",".join(b'"%x":1' % i for i in range(7000))), True),
    ("a thousand values", with_member(b'"x":[' + b",".join([b'[{"a":1}]'] * 1000) + b"]"), True),
    ("single quotes", GOOD.replace(b'"', b"'"), False),
    ("trailing comma", GOOD[:-1] + b",}", False),
    ("comment", b"/* c */" + GOOD, False),
    ("unquoted key", b'{generationId:"g","userId":"u","prompt":"p"}', False),
    ("NaN", with_member(b'"x":NaN'), False),
    ("Infinity", with_member(b'"x":-Infinity'), False),
    ("hexadecimal", with_member(b'"seed":0x10'), False),
    ("leading zero", with_member(b'"seed":01'), False),
    ("plus sign", with_member(b'"seed":+1'), False),
    ("bare fraction", with_member(b'"x":.5'), False),
    ("fraction without digits", with_member(b'"x":1.'), False),
    ("minus zero", with_member(b'"seed":-0'), True),
    ("integer as a real", with_member(b'"seed":1.0'), False),
    ("integer with an exponent", with_member(b'"seed":1e2'), False),
    ("integer as text", with_member(b'"seed":"1"'), False),
    ("greatest 64-bit integer, unknown member", with_member(b'"x":9223372036854775807'), True),
    ("beyond 64 bits", with_member(b'"x":9223372036854775808'), False),
    ("far beyond 64 bits", with_member(b'"x":1' + b"0" * 100), False),
    ("beyond a double", with_member(b'"x":1e999'), False),
    ("below a double", with_member(b'"x":1e-999'), True),
    ("many digits", with_member(b'"x":0.' + b"1" * 400), True),
    ("sixteen levels", nested(15), True),
    ("seventeen levels", nested(16), False),
    ("thousands of levels", nested(5000), False),
    ("brackets in a string are no levels", with_member(b'"x":"' + b"[" * 5000 + b'"'), True),
    ("NUL escaped", with_prompt(b"a\\u0000b"), False),
    ("NUL escaped in an unknown member", with_member(b'"x":"\\u0000"'), False),
    ("NUL escaped in a key", with_member(b'"\\u0000":1'), False),
    ("NUL raw", with_prompt(b"a\0b"), False),
    ("newline raw", with_prompt(b"a\nb"), False),
    ("newline escaped", with_prompt(b"a\\nb"), True),
    ("control character escaped", with_prompt(b"a\\u0001b"), False),
    ("DEL raw", with_prompt(b"a\x7fb"), False),
    ("unknown escape", with_prompt(b"a\\xb"), False),
    ("slash escaped", with_prompt(b"a\\/b"), True),
    ("surrogate pair", with_prompt(b"\\ud83e\\udd8a"), True),
    ("high surrogate alone", with_prompt(b"\\ud83e"), False),
    ("low surrogate alone", with_prompt(b"\\udd8a"), False),
    ("surrogates the wrong way round", with_prompt(b"\\udd8a\\ud83e"), False),
    ("noncharacter", with_prompt(b"\\uffff"), True),
    ("UTF-8 of four bytes", with_prompt("\U0001F98A".encode()), True),
    ("UTF-8 cut short", with_prompt(b"\xf0\x9f\xa6"), False),
    ("UTF-8 overlong slash", with_prompt(b"\xc0\xaf"), False),
    ("UTF-8 overlong NUL", with_prompt(b"\xc0\x80"), False),
    ("UTF-8 of a surrogate", with_prompt(b"\xed\xa0\x80"), False),
    ("UTF-8 beyond Unicode", with_prompt(b"\xf4\x90\x80\x80"), False),
    ("Latin-1", with_prompt(b"\xe9"), False),
    ("null for an optional field", with_member(b'"model":null'), False),
    ("true for a number", with_member(b'"seed":true'), False),
    ("key that differs by case", b'{"GenerationId":"g","userId":"u","prompt":"p"}', False),
    ("id with a slash", GOOD.replace(b'"g"', b'"g/../h"'), False),
    ("id with a newline at its end", GOOD.replace(b'"g"', b'"g\\n"'), False),
    ("id that looks alike", GOOD.replace(b'"g"', '"\u0261"'.encode()), False),
    ("64 KiB", GOOD + b" " * (64 * 1024 - len(GOOD)), True),
    ("64 KiB and one byte", GOOD + b" " * (64 * 1024 - len(GOOD) + 1), False),
]


def accepted_by_python(raw):
    try:
        return validator("reelgate.generation.requested").is_valid(strict_loads(raw))
    except Refused:
        return False


@pytest.fixture(scope="module")
def answers():
    said = decode([("reelgate.generation.requested", raw) for _, raw, _ in HAZARDS])
    return {name: answer for (name, _, _), answer in zip(HAZARDS, said)}


@pytest.mark.parametrize("name, raw, wanted", HAZARDS, ids=[name for name, _, _ in HAZARDS])
def test_two_parsers_agree(answers, name, raw, wanted):
    assert accepted_by_python(raw) is wanted
    assert answers[name].startswith("ok ") is wanted, answers[name]


def test_bare_json_is_held_to_the_same(answers):
    bare = decode([(None, raw) for _, raw, _ in HAZARDS])
    assert bare == list(answers.values())
