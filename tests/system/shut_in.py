"""Runs a program under the system calls that deploy/systemd/reelgate@.service leaves it: shut_in.py FILTER PROGRAM ARGS...

FILTER: a file with the numbers of the allowed calls. Another call kills the process (SIGSYS), as under systemd.
"""

import ctypes
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
ALLOW, KILL_PROCESS = 0x7FFF0000, 0x80000000
AUDIT_ARCH_X86_64 = 0xC000003E


def instructions(numbers):
    """Of struct seccomp_data: number at 0, architecture at 4."""
    yield LOAD, 0, 0, 4
    yield IF_EQUAL, 1, 0, AUDIT_ARCH_X86_64
    yield RETURN, 0, 0, KILL_PROCESS
    yield LOAD, 0, 0, 0
    for number in numbers:
        yield IF_EQUAL, 0, 1, number
        yield RETURN, 0, 0, ALLOW
    yield RETURN, 0, 0, KILL_PROCESS


def shut_in(numbers):
    program = b"".join(struct.pack("=HBBI", *row) for row in instructions(numbers))
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("@HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for words in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, head, 0, 0)):
        if libc.prctl(*words) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    with open(sys.argv[1], encoding="ascii") as listed:
        shut_in([int(word) for word in listed.read().split()])
    os.execv(sys.argv[2], sys.argv[2:])
