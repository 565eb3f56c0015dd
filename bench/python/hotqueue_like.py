"""The commands of Python's HotQueue, with JSON instead of pickle: RPUSH, and BLPOP, which removes the message at once."""

import json

import redis

from measured import Books, chunks, count, host, measure_put, payload, port, way

client = redis.Redis(host=host, port=port)
key = "hotqueue:jobs"


def put_in_bulk():
    for chunk in chunks():
        client.rpush(key, *[json.dumps(payload(n)) for n in chunk])


def put_one_by_one():
    for n in range(count):
        client.rpush(key, json.dumps(payload(n)))


def consume():
    books = Books()
    while not books.full:
        popped = client.blpop([key], timeout=5)
        if popped is None:
            break
        books.enter(json.loads(popped[1])["n"])
    books.report()


client.ping()
if way == "consume":
    put_in_bulk()
    consume()
else:
    measure_put(put_in_bulk if way == "bulk" else put_one_by_one, lambda: client.llen(key))
