"""How many threads a call may use."""

from fastloss.kernels import system


def get_num_threads() -> int:
    """The number of threads a large call made from here would use.

    Examples
    --------
    >>> get_num_threads() >= 1
    True
    """
    return int(system.get_num_threads())


def set_num_threads(number: int) -> None:
    """Let calls use at most this many threads, in the whole process.

    Without it, OMP_NUM_THREADS or the number of processors decides; a limit set by threadpoolctl is obeyed either way.
    The number changes how fast a result comes, never its bits.

    Raises
    ------
    TypeError
        If the number is not an integer.
    ValueError
        If it is not from 1 to 4096.

    Examples
    --------
    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    if not hasattr(number, "__index__"):
        raise TypeError(f"number must be an integer, not {type(number).__name__}")
    if not 1 <= number <= 4096:
        raise ValueError(f"number must be from 1 to 4096, not {number}")
    system.set_num_threads(number)
