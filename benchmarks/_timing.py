"""Timing of several ways to do one thing, so that a busy machine is fair to each."""

from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from operator import truediv
from statistics import median
from time import perf_counter


def measure(ways, n_rounds, *, warm_up=True, apart=False):
    """Return the seconds of each way in each round; the ways take turns.

    A first turn of each is not counted: it imports, allocates and fills caches.
    """
    seconds = {name: [] for name in ways}
    with ExitStack() as processes:
        if apart:
            ways = {n: processes.enter_context(apart_from(ways[n])) for n in ways}
        for _ in range(n_rounds + warm_up):
            for name, run in ways.items():
                start = perf_counter()
                run()
                seconds[name].append(perf_counter() - start)
    return {name: times[warm_up:] for name, times in seconds.items()}


@contextmanager
def apart_from(run):
    """Give a function that runs another in a process of its own."""
    context = get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(run, here, there))
    process.start()
    there.close()

    def run_there():
        here.send("run")
        here.recv()

    yield run_there
    here.close()
    process.join()


def serve(run, here, there):
    """Run a function whenever told to, until nobody is left to tell."""
    here.close()
    try:
        while there.recv():
            run()
            there.send("done")
    except EOFError:
        pass


def compare(
    title, ways, *, n_rounds=7, n_items=1, unit="ms", warm_up=True, apart=False
):
    """Print the median time of each way, and how often it fits into that of the first.

    The first way is that by hand. Ratios are the medians of those of the rounds, in
    which the ways are neighbors. Ways that are ``apart`` have a process each: there
    by-hand code finds torch and memory as they come, not as sklipo sets them.
    """
    seconds = measure(ways, n_rounds, warm_up=warm_up, apart=apart)
    scale = {"s": 1, "ms": 1e3, "us": 1e6}[unit] / n_items
    print(title)
    by_hand, *_ = seconds.values()
    for name, times in seconds.items():
        ratio = median(map(truediv, by_hand, times))
        print(f"  {name:40} {scale * median(times):10.2f} {unit} {ratio:8.2f} times")
