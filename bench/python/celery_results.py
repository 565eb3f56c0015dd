"""Celery with results in Redis: this process puts tasks and waits for the result of each, its worker with the solo pool runs them."""

import subprocess
import sys
import time
from collections import deque

from celery import Celery

from measured import count, host, payload, port, report, way

redis_url = f"redis://{host}:{port}/0"
in_flight = 1000
app = Celery("results", broker=redis_url, backend=redis_url)
app.conf.update(worker_hijack_root_logger=False, worker_redirect_stdouts=False, worker_send_task_events=False)


@app.task(name="handle")
def handle(job):
    return {"n": job["n"]}


def verified(n, asked):
    result = asked.get(timeout=60)
    if result != {"n": n}:
        raise RuntimeError(f"task {n} has the result {result}")


if way == "work":
    app.worker_main(["worker", "-P", "solo", "-c", "1", "-l", "CRITICAL", "--without-gossip", "--without-mingle", "--without-heartbeat"])
else:
    worker = subprocess.Popen([sys.executable, __file__, "work", *sys.argv[2:]], stdout=subprocess.DEVNULL)
    try:
        verified(0, handle.delay(payload(0)))  # the worker runs
        started = time.perf_counter()
        waiting = deque()
        for n in range(count):
            if len(waiting) == in_flight:
                verified(*waiting.popleft())
            waiting.append((n, handle.delay(payload(n))))
        while waiting:
            verified(*waiting.popleft())
        report((time.perf_counter() - started) * 1000, count)
    finally:
        worker.kill()
