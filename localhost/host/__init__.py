"""A Functions host for one machine, over the worker library that Azure runs for Python 3.13.

It is for development and tests: function keys (AuthLevel) are not enforced, and it knows the triggers HTTP,
Event Grid, queue and timer, and the outputs HTTP and queue. `func start` runs the same apps where Core Tools
exist.
"""
