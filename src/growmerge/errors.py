"""The one exception whose message is meant for the person at the terminal."""


class GrowmergeError(Exception):
    """Something the user can mend: a bad value, a missing file, a damaged artifact.

    The message names the file, the key and the value, and says what to do. Scripts print it without a traceback.
    """
