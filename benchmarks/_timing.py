"""Timing of several ways to do one thing, so that a busy machine is fair to each."""

from operator import truediv
from statistics import median
from time import perf_counter


def measure(ways, n_rounds, warm_up=True):
    """Return the seconds of each way in each round; the ways take turns.

    A first turn of each is not counted: it imports, allocates and fills caches.
    """
    seconds = {name: [] for name in ways}
    for _ in range(n_rounds + warm_up):
        for name, run in ways.items():
            start = perf_counter()
            run()
            seconds[name].append(perf_counter() - start)
    return {name: times[warm_up:] for name, times in seconds.items()}


def compare(title, ways, *, n_rounds=7, n_items=1, unit="ms", warm_up=True):
    """Print the median time of each way, and how often it fits into that of the first.

    The first way is that by hand. Ratios are the medians of those of the rounds, in
    which the ways are neighbours.
    """
    seconds = measure(ways, n_rounds, warm_up)
    scale = {"s": 1, "ms": 1e3, "us": 1e6}[unit] / n_items
    print(title)
    by_hand, *_ = seconds.values()
    for name, times in seconds.items():
        ratio = median(map(truediv, by_hand, times))
        print(f"  {name:40} {scale * median(times):10.2f} {unit} {ratio:8.2f} times")
