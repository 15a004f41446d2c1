"""Counts of several processes add up, and outlive the processes."""

import multiprocessing
import os
import signal

from switchyard.serving.counters import SharedCounters


def test_processes_add_up_and_the_dead_are_remembered():
    context, counters = multiprocessing.get_context("fork"), SharedCounters(3, slots=4)

    def count(die):
        for _ in range(1000):
            counters.add((0, 1.0), (2, 0.5))
        if die:
            os.kill(os.getpid(), signal.SIGKILL)

    for _ in range(3):  # More processes than slots, in turns.
        processes = [context.Process(target=count, args=(number == 0,)) for number in range(3)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
    counters.add((1, 7.0))

    assert counters.sums() == [9000.0, 7.0, 4500.0]


def test_a_number_that_is_put_is_the_last_one():
    context, counters = multiprocessing.get_context("fork"), SharedCounters(2)
    for value in (5.0, 3.0):
        process = context.Process(target=counters.put, args=(1, value))
        process.start()
        process.join()

    assert counters.sums() == [0.0, 3.0]
