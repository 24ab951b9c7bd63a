"""What a process of multiprocessing runs: it imports the function by its name."""


def square(number: int) -> int:
    """The square of a number."""
    return number * number
