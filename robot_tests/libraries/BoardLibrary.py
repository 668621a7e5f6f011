"""The vocabulary of the suites for every board, over `host.board.Board`."""

from collections.abc import Callable
from pathlib import Path

from hardware import Hardware
from keywords.faults import FaultKeywords
from keywords.wire import WireKeywords
from port_board import PortBoard
from process_board import NativeBoard, QemuBoard
from renode_board import RenodeBoard
from robot.api.deco import library


@library(scope="SUITE", auto_keywords=False)
class BoardLibrary(WireKeywords, FaultKeywords):
    """Keywords for one board.

    `kind`: renode, qemu, native or port. `model`: the model file that the firmware was built from. `port`:
    the URL of a real board. `firmware`: the file that a simulator runs, by default the default model's.
    """

    def __init__(self, kind: str, model: str, port: str = "", firmware: str = "") -> None:
        program = Path(firmware) if firmware else None
        makers: dict[str, Callable[[], Hardware]] = {
            "renode": lambda: RenodeBoard(program),
            "qemu": lambda: QemuBoard(program),
            "native": lambda: NativeBoard(program),
            "port": lambda: PortBoard(port),
        }
        super().__init__(makers[kind](), Path(model))
