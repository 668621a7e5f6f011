"""`demo`: the page on which one draws, with a board behind it."""
