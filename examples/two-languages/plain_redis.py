"""Two commands of the package redis over a plain socket, for machines with Python but without the package."""

import socket
from urllib.parse import urlsplit


class Redis:
    @classmethod
    def from_url(cls, url):
        """Accepts redis://host:port/db and unix:///path. Passwords and TLS need the package redis."""
        parts = urlsplit(url)
        if parts.scheme == "unix":
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(parts.path)
        elif parts.scheme == "redis" and parts.password is None:
            connection = socket.create_connection((parts.hostname, parts.port or 6379))
        else:
            raise ValueError("a plain socket does not support this address: install the package redis")
        redis = cls(connection)
        if parts.scheme == "redis" and parts.path.strip("/"):
            redis.ask("SELECT", parts.path.strip("/"))
        return redis

    def __init__(self, connection):
        self.socket = connection
        self.replies = connection.makefile("rb")

    def rpush(self, key, *values):
        return self.ask("RPUSH", key, *values)

    def blpop(self, key):
        return self.ask("BLPOP", key, "0")

    def ask(self, *words):
        words = [word.encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        return self.reply()

    def reply(self):
        line = self.replies.readline()
        if not line:
            raise ConnectionError("Redis has closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b"$":
            return None if rest == b"-1" else self.replies.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self.reply() for _ in range(int(rest))]
        return rest
