"""Celery on Redis with its solo pool, in one process, without results and without messages between workers."""

import os

import redis
from celery import Celery

from measured import Books, count, host, measure_put, payload, port, way

app = Celery("jobs", broker=f"redis://{host}:{port}/0")
app.conf.update(task_ignore_result=True, worker_hijack_root_logger=False, worker_redirect_stdouts=False, worker_send_task_events=False)
books = Books()


@app.task(name="handle")
def handle(job):
    books.enter(job["n"])
    if books.full:
        books.report()
        os._exit(0)  # Celery has acknowledged this job already, before it ran


def put():
    for n in range(count):
        handle.delay(payload(n))


if way == "consume":
    put()
    app.worker_main(["worker", "-P", "solo", "-c", "1", "-l", "CRITICAL", "--without-gossip", "--without-mingle", "--without-heartbeat"])
else:
    measure_put(put, lambda: redis.Redis(host=host, port=port).llen("celery"))
