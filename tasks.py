"""The tasks of this project: `./inv --list` shows them, `./inv --help TASK` explains one."""

from __future__ import annotations

from pathlib import Path

from invoke import Context, Exit

from common.errors import UserError
from common.paths import BUILD, DEFAULT_MODEL, GENERAL_MODEL, shown
from tooling import command_line, processes
from tooling.command_line import task

processes.raise_on_termination()
command_line.install()

_FIRST, _FIRMWARE, _TRAINING = "First steps", "The firmware", "Training"
_MEASURING, _CHECKING = "Measuring", "Checking and cleaning"

_MODEL = "a model: its name in models/ or its file"
_IMAGE = "a number of the test images beside the model file, from 0 on"
_MEASURED = ["linear", "cnn", "cnn-robust", "max"]
_NO_INSTALL = "install no package and download nothing; what is missing is left out or named"


def _chosen_model(option: str) -> Path:
    """The model file that an option names; prints it."""
    from tooling.build import model_file

    path = model_file(option)
    print(f"model: {shown(path)}", flush=True)
    return path


def _require_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError:
        raise UserError("Training needs torch: type './inv setup --train'.") from None


@task(
    name="sim-test",
    group=_FIRST,
    positional="suite",
    iterable=["suite"],
    values={"suite": "SUITE...", "on": "SIMULATOR"},
    help={
        "suite": "suites or folders of suites; by default all of robot_tests/",
        "on": "renode, qemu or native; by default Renode, or QEMU if there is no Renode",
        "port": "run on the real board at this serial port instead",
        "model": _MODEL,
        "no-install": _NO_INSTALL,
    },
)
def sim_test(
    context: Context,
    suite: list[str],
    on: str = "",
    port: str = "",
    model: str = DEFAULT_MODEL,
    no_install: bool = False,
) -> None:
    """Run the suites of robot_tests/ on a simulated Blue Pill."""
    from tooling.simulate.simulation import check_simulator
    from tooling.suites import suites
    from tooling.suites.selection import select

    if port and on:
        raise UserError("--port takes a real board and --on a simulator: leave one of them out.")
    if on:
        check_simulator(on)
    paths = select(suite)
    path = _chosen_model(model)
    if port:
        print(f"Running the suites on the board at {port}.")
        outcome = suites.run_on_port(port, path, paths)
    else:
        choice = suites.choose(on, path, install=not no_install)
        print(choice)
        outcome = suites.run(choice, path, paths)
    if not outcome.passed:
        raise Exit(str(outcome), 1)
    print(outcome)


@task(
    group=_FIRST,
    values={"on": "SIMULATOR"},
    help={
        "on": "renode, qemu or native; by default the first of them that is here",
        "port": "the serial port of a real board",
        "model": _MODEL,
        "tcp-port": "the page's TCP port",
        "host": "the address to serve at; any other than 127.0.0.1 lets other computers draw",
        "no-browser": "only print the address",
    },
)
def demo(
    context: Context,
    on: str = "",
    port: str = "",
    model: str = DEFAULT_MODEL,
    tcp_port: int = 8103,
    host: str = "127.0.0.1",
    no_browser: bool = False,
) -> None:
    """Open a page on which one draws and the board answers."""
    from tooling.demo import demo as page
    from tooling.simulate.simulation import check_simulator

    if port and on:
        raise UserError("--port takes a real board and --on a simulator: leave one of them out.")
    if on:
        check_simulator(on)
    address = page.Address(host, tcp_port)
    page.run(_chosen_model(model), address, port=port, on=on, browser=not no_browser)


@task(
    group=_FIRST,
    values={"on": "SIMULATOR", "elf": "FILE", "script": "FILE"},
    help={
        "on": "renode, qemu or native",
        "tcp": "open USART1 as a TCP port of 127.0.0.1 instead of a pseudo-terminal",
        "tcp-port": "the number of that port; by default any free one",
        "model": _MODEL,
        "elf": "run this firmware for the chip instead: an .elf, .bin or .hex file (docs/OWN_FIRMWARE.md)",
        "script": "Renode commands to run before that firmware starts: a .resc file",
    },
)
def sim(
    context: Context,
    on: str = "renode",
    tcp: bool = False,
    tcp_port: int | None = None,
    model: str = DEFAULT_MODEL,
    elf: str = "",
    script: str = "",
) -> None:
    """Boot the firmware on a simulator and leave its USART1 open to picocom and `infer`."""
    from tooling import build as builds
    from tooling.simulate import own_firmware, qemu, session

    if elf or script:
        if on != "renode" or not elf:
            raise UserError("--elf and --script are for Renode, and --script goes with --elf FILE.")
        own_firmware.run(Path(elf), Path(script) if script else None, tcp=tcp, tcp_port=tcp_port or 0)
        return
    session.check(on, tcp_port or 0)
    path = _chosen_model(model)
    board = builds.SIMULATED[on]
    if on == "qemu":
        qemu.require_room(path)
    builds.build(board, path)
    session.run(on, builds.image(board, path), tcp=tcp, tcp_port=tcp_port or 0)


@task(
    group=_FIRST,
    positional="image",
    iterable=["image"],
    values={"image": "IMAGE...", "on": "SIMULATOR", "output": "FILE"},
    help={
        "image": "numbers of the test set, PNG or JPEG files, folders of them, or - for standard input",
        "port": "a serial port or socket://HOST:PORT; by default the running `sim`, else the USB adapter",
        "on": "start the board for this call on renode, qemu or native; by default only if there is no other",
        "model": f"start the board for this call with {_MODEL}",
        "json": "print one JSON object per image and nothing else",
        "window": "show the image in a window instead of the terminal",
        "output": "also write the picture, with a box and the answer for each digit, into this file",
        "camera": "also take a picture with the webcam (needs OpenCV)",
        "baud": "the rate of the link, up to 2000000; falls back to 115200 if the wire is too bad",
    },
)
def infer(
    context: Context,
    image: list[str],
    port: str = "",
    on: str = "",
    model: str = "",
    json: bool = False,
    window: bool = False,
    output: str = "",
    camera: bool = False,
    baud: int = 115200,
) -> None:
    """Send images to a board and show its answers."""
    from tooling.inference import boards, run
    from tooling.inference import camera as cameras
    from tooling.inference.images import Source

    if not image and not camera:
        raise UserError(
            "Name an image: './inv infer 7' sends image 7 of the test set, './inv infer FILE.png' a picture."
        )
    settings = run.Settings(window, json, Path(output) if output else None)
    taken = [Source("camera", picture=cameras.take())] if camera else []
    if not run.run(image, boards.choose(port, on, model), baud, settings, taken):
        raise Exit(code=1)


@task(
    group=_FIRST,
    values={"renode-archive": "FILE"},
    help={
        "train": "install torch as well, which only training needs",
        "renode-archive": "take Renode from this copy of its release archive instead of downloading it",
    },
)
def setup(context: Context, train: bool = False, renode_archive: str = "") -> None:
    """Install what the other tasks need: the ARM compiler, QEMU, Renode (--train: torch)."""
    from tooling.setup import provision

    provision.setup(train=train, renode_archive=Path(renode_archive) if renode_archive else None)


@task(group=_FIRST)
def doctor(context: Context) -> None:
    """Show each tool, its version, where it is, what needs it and where to get it."""
    from tooling.setup import doctor as report

    print(report.report())


@task(group=_FIRMWARE, help={"model": _MODEL, "board": "a folder of firmware/boards, or native-sanitize"})
def build(context: Context, board: str = "bluepill", model: str = DEFAULT_MODEL) -> None:
    """Compile the firmware for a board."""
    from tooling import build as builds
    from tooling import size as sizes

    chosen = builds.board_named(board)
    path = _chosen_model(model)
    firmware = builds.image_path(board, path)
    if not builds.build(board, path):
        print(f"{shown(firmware)} is up to date")
    if chosen.has_chip:
        print(sizes.summary(firmware))


@task(group=_FIRMWARE, help={"model": _MODEL})
def export(context: Context, model: str = DEFAULT_MODEL) -> None:
    """Write the trained network as C into build/MODEL/generated, and show it as a table."""
    from compiler.model_file import load
    from compiler.resources import measure
    from tooling import build as builds

    path = _chosen_model(model)
    if not builds.export(path):
        print(f"{shown(builds.generated(path))} is up to date")
    print(measure(load(path)))


@task(group=_FIRMWARE, help={"model": _MODEL})
def size(context: Context, model: str = DEFAULT_MODEL) -> None:
    """Show the flash and SRAM that the firmware takes of the chip, and its largest symbols."""
    from tooling import build as builds
    from tooling import size as sizes

    path = _chosen_model(model)
    builds.build(builds.BLUEPILL, path)
    print(sizes.report(builds.image(builds.BLUEPILL, path)))


@task(
    group=_FIRMWARE,
    help={
        "dry-run": "check the image and print what would be done",
        "under-reset": "hold the chip in reset while connecting (needs the probe's NRST wire)",
        "model": _MODEL,
    },
)
def flash(
    context: Context, dry_run: bool = False, under_reset: bool = False, model: str = DEFAULT_MODEL
) -> None:
    """Write the firmware into a real Blue Pill with an ST-Link."""
    from tooling import build as builds
    from tooling.flash import st_flash
    from tooling.setup import tools

    if not dry_run:
        tools.require(tools.ST_FLASH)
    path = _chosen_model(model)
    builds.build(builds.BLUEPILL, path)
    image = builds.image(builds.BLUEPILL, path).with_suffix(".bin")
    st_flash.flash(image, dry_run=dry_run, under_reset=under_reset)


@task(
    group=_TRAINING,
    values={"data": "SOURCE"},
    help={
        "model": "the network to train: a class of training/models/; by default cnn, or small for --data",
        "data": "the source of the images instead of the recipe's: see docs/DATA.md",
        "shape": "channels x rows x columns of images made from a folder of pictures, as in 3x32x32",
        "prepare": "how pictures become images: mnist, fit or stretch; after a comma detect, dark or light",
        "name": "the model is models/NAME.npz; by default MODEL, or MODEL-DATA with other data",
        "seed": "the seed of all random numbers; by default the recipe's",
        "epochs": "the number of epochs; by default the recipe's; a shorter run replaces no model",
        "limit": "train on this number of images only, as a trial that replaces no model",
        "replace": "let a shortened run replace the model",
        "fresh": "start again instead of continuing an interrupted run",
    },
)
def train(
    context: Context,
    model: str = "",
    seed: int | None = None,
    epochs: int | None = None,
    limit: int | None = None,
    fresh: bool = False,
    data: str = "",
    shape: str = "",
    prepare: str = "",
    name: str = "",
    replace: bool = False,
) -> None:
    """Train a network with PyTorch, on MNIST or --data, and write models/NAME.npz."""
    _require_torch()
    from training.images.choice import DataChoice
    from training.train import train as train_network

    result = train_network(
        model or (DEFAULT_MODEL if data in ("", "mnist") else GENERAL_MODEL),
        seed=seed,
        epochs=epochs,
        limit=limit,
        fresh=fresh,
        data=DataChoice.parse(data, shape, prepare),
        saved_as=name,
        replaces=replace,
    )
    if not result.finished:
        raise Exit(f"\n{result}", 130)
    print(result)


@task(
    name="import",
    group=_TRAINING,
    positional="file",
    values={"file": "FILE.onnx", "data": "SOURCE", "fine_tune": "EPOCHS", "input_range": "RANGE"},
    help={
        "file": "a network in ONNX format: a sequence of layers, see docs/IMPORT.md",
        "data": "the source of images to calibrate, fine-tune and test on, as for `train`",
        "name": "the model is models/NAME.npz",
        "fine-tune": "train for this number of epochs in integers",
        "input-range": "what the network takes for black and white: 0-1 (the default), 0-255, -1-1, or "
        "MEAN/DEVIATION of images from 0 to 1, as in 0.1307/0.3081, also with a number for each channel",
        "fast": "quantise for the fastest kernels: 4-bit weights, 16-bit sums; needs --fine-tune",
    },
)
def import_(
    context: Context,
    file: str = "",
    data: str = "mnist",
    name: str = "",
    fine_tune: int = 0,
    input_range: str = "",
    fast: bool = False,
) -> None:
    """Import a float network from an ONNX file, quantise it and write models/NAME.npz."""
    _require_torch()
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise UserError("import needs onnx: type './inv setup --train'.") from None
    from training.importing.importer import import_network

    if not file or not name:
        raise UserError("Name a file and the new model: './inv import FILE.onnx --data SOURCE --name NAME'.")
    print(import_network(Path(file), data, name, fine_tune, input_range, fast))


@task(
    group=_TRAINING,
    help={
        "model": "the network; by default cnn, or with --robustness all that recognise digits",
        "seeds": "train with the seeds 1 to N; those that have a result are not trained again",
        "fresh": "start again instead of continuing interrupted runs",
        "robustness": "train nothing: measure recorded networks on corrupted test images",
    },
)
def results(
    context: Context, model: str = "", seeds: int = 5, fresh: bool = False, robustness: bool = False
) -> None:
    """Train a network with several seeds and write training/results/RESULTS.md."""
    if robustness:
        from tooling.measure.native_network import NativeNetwork
        from training.results.measure import measure

        names = [model] if model else _MEASURED
        print(measure(names, lambda path, network: NativeNetwork(path, network).predict))
        return
    model = model or DEFAULT_MODEL
    _require_torch()
    from training.results.seeds import train_seeds

    if not train_seeds(model, seeds, fresh):
        raise Exit("\nresults was interrupted; type it again to continue.", 130)


@task(
    group=_MEASURING,
    help={
        "image": _IMAGE,
        "plot": "also draw the layers' cycles into build/profile.png",
        "renode": "also compare the instructions with those that Renode's execution tracer sees",
        "model": _MODEL,
    },
)
def profile(
    context: Context, image: int = 0, plot: bool = False, renode: bool = False, model: str = DEFAULT_MODEL
) -> None:
    """Show where the cycles and the memory of one inference go, layer by layer."""
    from compiler.model_file import load
    from data import sample
    from tooling import build as builds
    from tooling.measure.profile import measure as profiles
    from tooling.measure.profile import report
    from tooling.setup import renode as installed

    examples = sample.read(builds.model_file(model))
    examples.require(image)
    if renode:
        installed.require()
    path = _chosen_model(model)
    builds.build(builds.BLUEPILL, path)
    firmware = builds.image(builds.BLUEPILL, path)
    network = load(path)
    measured, text = report.report(firmware, network, examples, image)
    print(text)
    if plot:
        report.plot(measured, network.name, BUILD / "profile.png")
        print(f"\n{shown(BUILD / 'profile.png')} shows it.")
    if renode:
        print(f"\n{profiles.check_in_renode(firmware, network)}")


@task(
    group=_MEASURING,
    help={
        "image": _IMAGE,
        "all-images": "also compare the logits of the whole test set with the reference's",
        "model": "one model; by default all of models/",
    },
)
def bench(context: Context, image: int = 0, all_images: bool = False, model: str = "") -> None:
    """Compare the fast kernels with their reference kernels, and with floating point, layer by layer."""
    from tooling.measure import bench as benches

    print(benches.run(image, [model] if model else [], all_images=all_images))


@task(group=_MEASURING)
def calibrate(context: Context) -> None:
    """Fit the compiler's cost model to the emulated Cortex-M3, and write its prices."""
    from tooling.measure.calibration import calibrate as calibration

    print(calibration.run())


@task(
    group=_CHECKING,
    values={"require": "CHECK"},
    iterable=["require"],
    help={
        "no-install": _NO_INSTALL,
        "no-skips": "fail if a check or a test was skipped",
        "require": "fail if this check did not run, as in --require 'suites on renode'; may be repeated",
    },
)
def test(context: Context, require: list[str], no_install: bool = False, no_skips: bool = False) -> None:
    """Run every check and suite that this machine can run; end with a table of what ran and what did not."""
    from tooling import checks

    checks.require_names(require)
    _chosen_model(DEFAULT_MODEL)
    if not checks.run(require, install=not no_install, no_skips=no_skips):
        raise Exit(code=1)


@task(
    group=_CHECKING,
    help={
        "seconds": "for all fuzzers together",
        "target": "link, app or model, or one fuzzer of these; by default all, one after the other",
        "keep": "afterwards add inputs that reach new code to tests/corpus",
        "no-install": _NO_INSTALL,
    },
)
def fuzz(
    context: Context, seconds: int = 3600, target: str = "", keep: bool = False, no_install: bool = False
) -> None:
    """Look for inputs that break the link, the application or the model file's reader."""
    from tooling.fuzz import fuzz as fuzzers
    from tooling.setup import provision

    chosen = fuzzers.choose(seconds, target)
    _chosen_model(DEFAULT_MODEL)
    if not no_install:
        provision.provide_fuzzers()
    outcomes = fuzzers.run(chosen, seconds, must_run=bool(target))
    if keep:
        fuzzers.keep(chosen)
    if any(outcome.failed for outcome in outcomes):
        raise Exit(code=1)


@task(
    group=_CHECKING,
    iterable=["folder"],
    help={
        "folder": "compiler, host, training or link; by default all of them; may be repeated",
        "sample": "mutants to try in each folder, drawn at random; 0 tries all",
        "seed": "the number that fully determines the sample",
        "minutes": "the longest time for each folder",
        "jobs": "mutants to judge at the same time",
    },
)
def mutants(
    context: Context,
    folder: list[str],
    sample: int = 200,
    seed: int = 1,
    minutes: int = 60,
    jobs: int = 2,
) -> None:
    """Change the code in small ways, count the changes that the tests notice, and write docs/MUTANTS.md."""
    from tooling.mutate import mutate

    print(mutate.run(folder, sample=sample, seed=seed, minutes=minutes, jobs=jobs))


@task(
    group=_CHECKING,
    help={"all": "also runs of training, the fetched Renode and .venv, which the next ./inv makes again"},
)
def clean(context: Context, all: bool = False) -> None:
    """Remove what was built."""
    from tooling import clean as cleaning

    print(cleaning.clean(everything=all))
