"""The page on which one draws and a board answers: its server, the board's thread, its files."""
