"""The firmware on a simulated board: native, QEMU, Renode."""
