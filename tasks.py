"""The tasks of this project: `./inv --list` shows them, `./inv --help TASK` explains one."""

import functools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from invoke import Context, Exit, ParseError, task

from common.errors import UserError
from common.paths import BUILD, MODELS, ROOT, RUNS, TOOLS, shown
from host.errors import BoardError
from tooling import processes

processes.raise_on_termination()


class Number(int):
    """A whole number as an option's value; with `int`, Invoke ends in a traceback where it is none."""

    def __new__(cls, value: Any) -> "Number":
        try:
            return super().__new__(cls, value)
        except ValueError:
            raise ParseError(f"'{value}' is no whole number.") from None


_NOT_GIVEN = Number(-(2**63))  # that nobody types

_MODEL = "a model: its name in models/ or its file (default: cnn)"
_ON = "the simulator: renode, qemu or native"


def project_task(**options: Any) -> Callable[[Callable[..., None]], Any]:
    """Invoke's `task`, with every error that a user can put right told in one sentence."""

    def decorate(function: Callable[..., None]) -> Any:
        name = function.__name__.replace("_", "-")

        @functools.wraps(function)
        def told(*arguments: Any, **keywords: Any) -> None:
            try:
                function(*arguments, **keywords)
            except (UserError, BoardError) as error:
                raise Exit(str(error), 1) from None
            except processes.Terminated:
                raise Exit(f"{name} was ended from outside; nothing is left running.", 143) from None
            except KeyboardInterrupt:
                raise Exit(f"\n{name} was interrupted; nothing is left running.", 130) from None

        return task(told, **options)

    return decorate


def _model(option: str) -> Path:
    """The model file that an option or the default names; prints it."""
    from tooling import build as builds

    path = builds.model_file(option)
    print(f"model: {shown(path)}", flush=True)
    return path


def _require_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError:
        raise UserError("Training needs torch: type './inv setup --train'.") from None


@project_task(
    help={
        "train": "install torch as well, which only training needs",
        "renode-archive": "take Renode from this copy of its release archive instead of downloading it",
    }
)
def setup(context: Context, train: bool = False, renode_archive: str = "") -> None:
    """Install what the other tasks need: the ARM compiler, QEMU, Renode (--train: torch)."""
    from tooling.setup import provision

    provision.setup(train=train, renode_archive=Path(renode_archive) if renode_archive else None)


@project_task()
def doctor(context: Context) -> None:
    """Show each tool, its version, where it is, what needs it and where to get it."""
    from tooling.setup import tools

    print(tools.doctor())


@project_task(
    help={
        "model": "the network to train: a class of training/models.py",
        "seed": "a number that all that is random follows from, instead of the recipe's",
        "epochs": "how many times all images are seen, instead of the recipe's number",
        "limit": "train on this number of images only, as a trial that replaces no model",
        "fresh": "begin anew instead of going on with an interrupted run",
    }
)
def train(
    context: Context,
    model: str = "",
    seed: int = _NOT_GIVEN,
    epochs: int = _NOT_GIVEN,
    limit: int = _NOT_GIVEN,
    fresh: bool = False,
) -> None:
    """Train a network on MNIST with PyTorch and write models/NAME.npz."""
    _require_torch()
    from tooling import build as builds
    from training.train import train as train_network

    result = train_network(
        model or builds.DEFAULT_MODEL,
        seed=None if seed == _NOT_GIVEN else seed,
        epochs=None if epochs == _NOT_GIVEN else epochs,
        limit=None if limit == _NOT_GIVEN else limit,
        fresh=fresh,
    )
    if not result.finished:
        raise Exit(f"\n{result}", 130)
    print(result)


@project_task(
    help={
        "model": "the network to train",
        "seeds": "the number of them, from 1 on; those that have a result are not trained again",
        "fresh": "begin anew instead of going on with interrupted runs",
    }
)
def results(context: Context, model: str = "cnn", seeds: int = Number(5), fresh: bool = False) -> None:
    """Train a network with several seeds and write training/RESULTS.md."""
    _require_torch()
    from training.results import train_seeds

    if not train_seeds(model, seeds, fresh):
        raise Exit("\nresults was interrupted; type it again to go on.", 130)


@project_task(help={"model": _MODEL})
def export(context: Context, model: str = "") -> None:
    """Write the trained network as C into build/MODEL/generated, and show it as a table."""
    from compiler.model_file import load
    from compiler.resources import measure
    from tooling import build as builds

    path = _model(model)
    if not builds.export(path):
        print(f"{shown(builds.generated(path))} is up to date")
    print(measure(load(path)))


@project_task(help={"model": _MODEL, "board": "a folder of firmware/boards, or native-sanitize"})
def build(context: Context, board: str = "bluepill", model: str = "") -> None:
    """Compile the firmware for a board."""
    from tooling import build as builds

    path = _model(model)
    if not builds.build(board, path):
        print(f"{shown(builds.image(board, path))} is up to date")


@project_task(help={"model": _MODEL})
def size(context: Context, model: str = "") -> None:
    """Show the flash and SRAM that the firmware takes of the chip, and its largest symbols."""
    from tooling import build as builds
    from tooling.measure import size as sizes

    path = _model(model)
    builds.build(builds.BLUEPILL, path)
    print(sizes.report(builds.image(builds.BLUEPILL, path)))


@project_task(
    help={
        "image": "a number of the test set, 0 to 9999 (0 by default)",
        "plot": "also draw the layers' cycles into build/profile.png",
        "renode": "also compare the instructions with those that Renode's execution tracer sees",
        "model": _MODEL,
    }
)
def profile(
    context: Context, image: int = Number(0), plot: bool = False, renode: bool = False, model: str = ""
) -> None:
    """Show where the cycles and the memory of one inference go, layer by layer."""
    from compiler.model_file import load
    from data.mnist import load_test_set
    from tooling import build as builds
    from tooling.measure import profile as profiles

    path = _model(model)
    builds.build(builds.BLUEPILL, path)
    firmware = builds.image(builds.BLUEPILL, path)
    network = load(path)
    measured, text = profiles.report(firmware, network, load_test_set(), image)
    print(text)
    if plot:
        profiles.plot(measured, network.name, BUILD / "profile.png")
        print(f"\n{shown(BUILD / 'profile.png')} shows it.")
    if renode:
        print(f"\n{profiles.check_in_renode(firmware)}")


@project_task(
    help={
        "image": "a number of the test set, 0 to 9999 (0 by default)",
        "all-images": "also compare the logits of the whole test set with the reference's",
        "model": "a model instead of all",
    }
)
def bench(context: Context, image: int = Number(0), all_images: bool = False, model: str = "") -> None:
    """Compare the fast kernels with the reference kernels and with floating point, layer by layer."""
    from tooling.measure import bench as benches

    print(benches.run(image, [model] if model else [], all_images=all_images))


@project_task(
    help={
        "on": _ON,
        "tcp": "open USART1 as a TCP port of 127.0.0.1 instead of a pseudo-terminal",
        "tcp-port": "the number of that port; any free one by default",
        "model": _MODEL,
    }
)
def sim(
    context: Context, on: str = "renode", tcp: bool = False, tcp_port: int = Number(0), model: str = ""
) -> None:
    """Boot the firmware on a simulator and leave its USART1 open to picocom and `infer`."""
    from tooling import build as builds
    from tooling.simulate import sim as simulated_board

    board = builds.NATIVE if on == "native" else builds.BLUEPILL
    path = _model(model)
    builds.build(board, path)
    simulated_board.run(on, builds.image(board, path), tcp=tcp, tcp_port=tcp_port)


@project_task(
    name="sim-test",
    iterable=["suite"],
    help={
        "suite": "a suite or folder to run, all of robot_tests/ by default; may be given more than once",
        "on": _ON + "; by default Renode where it can be had, else QEMU",
        "port": "run on the real board at this serial port instead",
        "model": _MODEL,
    },
)
def sim_test(context: Context, suite: Any, on: str = "", port: str = "", model: str = "") -> None:
    """Run the suites of robot_tests/ on the simulated Blue Pill."""
    from tooling.suites import suites as runs

    if port and on:
        raise UserError("--port takes a real board and --on a simulator: leave one of them out.")
    path = _model(model)
    if port:
        print(f"Running the suites on the board at {port}.")
        outcome, title = runs.run_on_port(port, path, suite), f"the board at {port}"
    else:
        choice = runs.choose(on, path)
        if choice.why_not_renode:
            print(choice.why_not_renode)
        print(f"Running the suites on {choice.title}.")
        outcome, title = runs.run(choice.simulator, path, suite), choice.title
    summary = f"{outcome.counts} on {title} in {outcome.seconds:.0f} s; the log is {shown(outcome.log)}"
    if not outcome.passed:
        raise Exit(summary, 1)
    print(summary)


@project_task(
    positional=["image"],
    help={
        "image": "a number of the test set, 0 to 9999, or a PNG of any size",
        "port": "a serial port or socket://HOST:PORT; by default the running `sim`, else the USB adapter",
        "window": "show the digit in a window instead of the terminal",
        "baud": "the rate to change the link to, up to 2000000; back to 115200 if the wire is too bad",
    },
)
def infer(
    context: Context, image: str, port: str = "", window: bool = False, baud: int = Number(115200)
) -> None:
    """Send a digit to a board and show what it says."""
    from tooling import inference

    inference.run(image, port, window=window, baud=baud)


@project_task(
    help={
        "dry-run": "check the image and print what would be done",
        "under-reset": "hold the chip in reset while connecting (needs the probe's NRST wire)",
        "model": _MODEL,
    }
)
def flash(context: Context, dry_run: bool = False, under_reset: bool = False, model: str = "") -> None:
    """Write the firmware into a real Blue Pill with an ST-Link."""
    from tooling import build as builds
    from tooling import flash as flashing

    path = _model(model)
    builds.build(builds.BLUEPILL, path)
    image = builds.image(builds.BLUEPILL, path).with_suffix(".bin")
    flashing.flash(image, dry_run=dry_run, under_reset=under_reset)


@project_task(
    help={
        "seconds": "for how many, all fuzzers together; 3600 by default",
        "target": "link, app or model; by default all of them, one after the other",
        "keep": "afterwards add inputs that reach new code to tests/corpus",
    }
)
def fuzz(context: Context, seconds: int = Number(3600), target: str = "", keep: bool = False) -> None:
    """Look for inputs that break the link, the application or the model file's reader."""
    from tooling.fuzz import fuzz as fuzzers
    from tooling.setup import provision

    _model("")
    provision.provide_fuzzers()
    outcomes = fuzzers.run(seconds, target or None)
    if keep:
        fuzzers.keep(target or None)
    if any(outcome.failed for outcome in outcomes):
        raise Exit(code=1)


@project_task()
def test(context: Context) -> None:
    """Run every check and every suite that this machine can run, and say what ran where."""
    from tooling import checks
    from tooling.setup import provision

    _model("")
    provision.provide_all()
    if checks.run().failed:
        raise Exit(code=1)


@project_task(
    help={
        "all": "also runs of training, the fetched Renode and the environment; the next ./inv makes it anew"
    }
)
def clean(context: Context, all: bool = False) -> None:
    """Remove what was built."""
    precious = [RUNS, TOOLS, ROOT / ".venv"]
    built = [path for path in BUILD.iterdir() if path != RUNS] if BUILD.is_dir() else []
    removed = [path for path in [*built, *(precious if all else [])] if path.exists()]
    for path in removed:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    kept = [path for path in [MODELS, *precious] if path.exists()]
    print(f"removed {', '.join(map(shown, removed)) or 'nothing'}")
    print(f"kept {', '.join(map(shown, kept))}")
