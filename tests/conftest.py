"""What every test relies on."""

import signal

# A shell lets the jobs that it starts in the background ignore SIGINT, and all that they start inherits that;
# the tests of Ctrl-C need the signal.
signal.signal(signal.SIGINT, signal.default_int_handler)
