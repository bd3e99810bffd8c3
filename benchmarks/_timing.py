"""Timing of several ways to do one thing, so that a busy machine is fair to each."""

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


def compare(
    title, ways, *, ours="sklipo", n_rounds=7, n_items=1, unit="ms", warm_up=True
):
    """Print the median time of each way, for one item, and its ratio to ours.

    The ratio is the median of those of the rounds, in which the ways are neighbours.
    """
    seconds = measure(ways, n_rounds, warm_up)
    scale = {"s": 1, "ms": 1e3, "us": 1e6}[unit] / n_items
    print(title)
    for name, times in seconds.items():
        pairs = zip(times, seconds[ours], strict=True)
        ratio = median(time / our_time for time, our_time in pairs)
        text = f"{scale * median(times):10.2f} {unit}"
        print(f"  {name:46} {text} {ratio:7.2f} x {ours}")
    return {name: median(times) for name, times in seconds.items()}
