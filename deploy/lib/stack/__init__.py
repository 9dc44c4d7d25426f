"""The local stack: Apache Kafka, Redis, the sandbox and our programs as real processes on loopback.

Used by deploy/local and deploy/demo, and by the system tests, so that what is tested is what people run.
Python's standard library only: on a fresh machine nothing else is there.

    process.py   one process: start, stop by pid, pid file, log
    ports.py     free ports on loopback
    kafka.py     one-node Apache Kafka (KRaft)
    redis.py     redis-server, AOF always
    programs.py  our programs: settings as flags, health address, readiness
    progress.py  what is being done, and for how long
    stack.py     all of them together, remembered in one directory
"""
