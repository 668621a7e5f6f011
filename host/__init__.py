"""The board's client: the link's host side, the digit in the terminal, `infer`."""
