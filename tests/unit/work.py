"""How much work a call is, counted instead of timed: the same on every machine, however busy it is."""

import sys
from collections.abc import Callable


def lines_of(call: Callable[[], object]) -> int:
    """Lines of growmerge that the call runs, each turn of a loop or comprehension counted."""
    count = 0

    def trace(frame, event, _argument):
        nonlocal count
        if "growmerge" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count
