"""The board's client. A library: `host.board.Board` needs only NumPy and pyserial.

    with Board.open("/dev/ttyUSB0") as board:
        print(board.info().shape, board.classify(image).name)

`host.link` is the wire format of firmware/LINK.md. `host.show` draws images and answers for people.
"""
