"""RQ with a SimpleWorker, which handles jobs in its own process. The default worker forks for each job. Finished jobs are removed."""

import logging

import redis
from rq import Queue, SimpleWorker

import rq_jobs  # this module under its own name, because a job contains the name of its handler
from measured import Books, chunks, count, host, measure_put, payload, port, way

books = Books()


def handle(job):
    rq_jobs.books.enter(job["n"])


def put_one_by_one(queue):
    for n in range(count):
        queue.enqueue(rq_jobs.handle, payload(n), result_ttl=0)


def put_in_bulk(queue):
    for chunk in chunks():
        queue.enqueue_many([Queue.prepare_data(rq_jobs.handle, args=(payload(n),), result_ttl=0) for n in chunk])


if __name__ == "__main__":
    client = redis.Redis(host=host, port=port)
    jobs = Queue("jobs", connection=client)
    client.ping()
    if way == "consume":
        put_in_bulk(jobs)
        logging.disable(logging.CRITICAL)
        SimpleWorker([jobs], connection=client).work(burst=True)
        rq_jobs.books.report()
    else:
        measure_put(lambda: (put_in_bulk if way == "bulk" else put_one_by_one)(jobs), lambda: len(jobs))
