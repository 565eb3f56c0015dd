"""Shared code of the programs in this folder. `PROGRAM awaited|bulk|consume COUNT HOST PORT` prints one line of JSON."""

import json
import sys
import time

way, count, host, port = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])


def payload(n):
    return {"n": n, "to": f"user{n}@example.org", "text": "x" * 49}


def chunks():
    return (range(start, min(count, start + 1000)) for start in range(0, count, 1000))


def report(ms, distinct, again=0):
    print(json.dumps({"ms": ms, "lost": count - distinct, "duplicates": again}), flush=True)


def measure_put(put, waiting):
    """Measures `put`. `waiting` returns how many jobs the broker has at the end."""
    started = time.perf_counter()
    put()
    report((time.perf_counter() - started) * 1000, waiting())


class Books:
    """Counts handled jobs. The clock runs from the first job to the last."""

    def __init__(self):
        self.seen = []
        self.started = self.ended = 0.0

    def enter(self, n):
        if not self.seen:
            self.started = time.perf_counter()
        self.seen.append(n)
        self.ended = time.perf_counter()

    @property
    def full(self):
        return len(self.seen) == count

    def report(self):
        distinct = len(set(self.seen))
        report((self.ended - self.started) * 1000, distinct, len(self.seen) - distinct)
