"""The Python half of two-languages.ts: takes temperatures in Celsius, and puts them in Fahrenheit, until Ctrl-C.

    REDIS_URL=redis://127.0.0.1:6379 python3 examples/two-languages/convert.py
"""

import json
import os
import sys

try:
    from redis import Redis  # apt-get install python3-redis, or pip install redis
except ImportError:
    print("python: the package redis is not installed, so the commands go over a plain socket", file=sys.stderr)
    from plain_redis import Redis


class HotQueue:
    """Sends the same commands as HotQueue(name, serializer=json) of Python's hotqueue, to the same list."""

    def __init__(self, name, redis):
        self.key = "hotqueue:" + name
        self.redis = redis

    def put(self, *items):
        self.redis.rpush(self.key, *[json.dumps(item) for item in items])

    def consume(self):
        while True:
            _, text = self.redis.blpop(self.key)  # BLPOP removes the message: if Python is killed after it, the message is lost
            yield json.loads(text)


def fahrenheit(celsius):
    return None if celsius < -273.15 else celsius * 9 / 5 + 32  # None breaks the rules of the TypeScript class


redis = Redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1:6379"))
questions, answers = HotQueue("celsius", redis), HotQueue("fahrenheit", redis)
try:
    for question in questions.consume():
        answers.put({"place": question["place"], "fahrenheit": fahrenheit(question["celsius"])})
except KeyboardInterrupt:
    pass
