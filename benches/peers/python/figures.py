"""The workloads of `cargo xtask bench` that are about coroutines, with Python's generators.

    figures.py [--workers N] [--test] [--list] [WORKLOAD]...

prints a line "workload<TAB>value" for each; benches/common/measure.rs says what they are, and
measures in the same way. The number of workers makes no difference. Left out: `coroutine_transfer`.
A generator goes back to whoever resumed it, always.
"""

import argparse
import time


def counter(values):
    for value in range(values):
        yield value


def passed_on(levels, values):
    """The same numbers, through so many levels of generators."""
    yield from counter(values) if levels == 1 else passed_on(levels - 1, values)


def adder():
    value = 0
    while True:
        value = yield value + 1


def at_once(value):
    """Returns before it yields anything; without a `yield` it would be no generator."""
    return value
    yield


def resume(values):
    return added_up(values, counter(values))


def delegate(values):
    return added_up(values, passed_on(10, values))


def added_up(values, generator):
    total = 0
    start = time.perf_counter_ns()
    for value in generator:
        total += value
    elapsed = time.perf_counter_ns() - start
    assert total == values * (values - 1) // 2
    return elapsed


def exchange(times):
    """A number goes in and comes out one higher, again and again."""
    generator = adder()
    next(generator)
    send = generator.send
    value = 0
    start = time.perf_counter_ns()
    for _ in range(times):
        value = send(value)
    elapsed = time.perf_counter_ns() - start
    assert value == times
    return elapsed


def create(times):
    """Generators that return at once."""
    start = time.perf_counter_ns()
    for i in range(times):
        next(at_once(i), None)
    return time.perf_counter_ns() - start


def new(times):
    """Generators that never run."""
    start = time.perf_counter_ns()
    for i in range(times):
        at_once(i)
    return time.perf_counter_ns() - start


def suspended(number):
    """So many that have yielded once, and how long that took."""
    generators = []
    start = time.perf_counter_ns()
    for _ in range(number):
        generator = counter(2)
        next(generator)
        generators.append(generator)
    return generators, time.perf_counter_ns() - start


def many(number):
    return suspended(number)[1]


def many_bytes(number):
    """Resident memory of each, when as many have been there before."""
    before = resident()
    suspended(number)
    generators, _ = suspended(number)
    return f"{(resident() - before) / len(generators):.0f}"


def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def best(workload):
    """Nanoseconds an operation, the best of five."""
    def figure(operations, test):
        tries = [workload(operations) for _ in range(1 if test else 5)]
        return f"{min(tries) / operations:.2f}"
    return figure


def second(workload):
    """Nanoseconds an operation, the second time."""
    def figure(operations, _test):
        workload(operations)
        return f"{workload(operations) / operations:.2f}"
    return figure


WORKLOADS = {
    "coroutine_resume": (2_000_000, best(resume)),
    "coroutine_value": (2_000_000, best(exchange)),
    "coroutine_create": (1_000_000, best(create)),
    "coroutine_new": (1_000_000, best(new)),
    "coroutine_1m": (1_000_000, second(many)),
    "coroutine_1m_bytes": (1_000_000, lambda number, _test: many_bytes(number)),
    "coroutine_delegate": (1_000_000, best(delegate)),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers")
    parser.add_argument("--test", action="store_true", help="only see whether everything runs")
    parser.add_argument("--list", action="store_true", help="print the names of the workloads")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD")
    options = parser.parse_args()
    for name in options.workloads:
        if name not in WORKLOADS:
            parser.error(f"no workload {name!r}; --list prints those there are")
    for name in options.workloads or WORKLOADS:
        operations, figure = WORKLOADS[name]
        if options.list:
            print(name)
        else:
            operations = -(-operations // 1000) if options.test else operations
            print(name, figure(operations, options.test), sep="\t")


main()
