"""The base class of every error that synthviz raises on purpose."""


class SynthvizError(Exception):
    """What was asked for cannot be done; the message says in one sentence what is wrong and what would be right.

    Each room has its own subclasses, which are also a `ValueError` (bad input) or a `RuntimeError` (anything else).
    A parameter that makes no sense raises a plain `ValueError` or `TypeError`, as in other libraries.
    """
