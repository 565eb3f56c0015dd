"""What Python's HotQueue does on a list, with JSON in place of pickle. Prints what it measured as one line of JSON.

    hotqueue_like.py awaited|bulk|consume COUNT HOST PORT
"""

import json
import sys
import time

import redis

way, count, host, port = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
client = redis.Redis(host=host, port=port)
key = "hotqueue:jobs"


def payload(n):
    return {"n": n, "to": f"user{n}@example.org", "text": "x" * 49}


def put_in_bulk():
    for start in range(0, count, 1000):
        client.rpush(key, *[json.dumps(payload(n)) for n in range(start, min(count, start + 1000))])


def put_one_by_one():
    for n in range(count):
        client.rpush(key, json.dumps(payload(n)))


def consume(seen):
    for _ in range(count):
        popped = client.blpop([key], timeout=5)
        if popped is None:
            return
        seen.append(json.loads(popped[1])["n"])


client.ping()
seen = []
if way == "consume":
    put_in_bulk()
started = time.perf_counter()
if way == "consume":
    consume(seen)
elif way == "bulk":
    put_in_bulk()
else:
    put_one_by_one()
ms = (time.perf_counter() - started) * 1000
different = len(set(seen)) if way == "consume" else client.llen(key)
again = len(seen) - different if way == "consume" else 0
print(json.dumps({"ms": ms, "lost": count - different, "duplicates": again}))
