"""Installing packages: Debian's with apt-get, Python's with pip."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from common.errors import UserError
from common.paths import ENVIRONMENT_BIN, ROOT
from tooling import processes

_MINUTES = 60.0
_LOCK_OPTIONS = ("-o", "DPkg::Lock::Timeout=120")
_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


def can_install() -> bool:
    """Whether Debian packages can be installed without a password."""
    if shutil.which("apt-get") is None:
        return False
    if os.geteuid() == 0:
        return True
    return (
        bool(shutil.which("sudo"))
        and processes.run(["sudo", "-n", "true"], timeout=10, capture=True).status == 0
    )


def install(packages: Sequence[str]) -> None:
    """Install Debian packages, as root or through passwordless sudo.

    Fetches the package lists only if they do not know a package or are too old. Raises UserError with apt's
    reason.
    """
    if not _are_known(packages):
        _apt("update", [], timeout=10 * _MINUTES)
    arguments = ["--yes", "--no-install-recommends", *packages]
    try:
        _apt("install", ["--download-only", *arguments], timeout=30 * _MINUTES)
    except UserError:
        # A list older than the archive names files that no longer exist.
        _apt("update", [], timeout=10 * _MINUTES)
        _apt("install", ["--download-only", *arguments], timeout=30 * _MINUTES)
    # dpkg changes the system now and must not be interrupted.
    _apt("install", arguments, timeout=30 * _MINUTES, interruptible=False)


def _are_known(packages: Sequence[str]) -> bool:
    """Whether apt has a version to install for each of `packages`."""
    policy = processes.run(["apt-cache", "policy", *packages], timeout=60, capture=True).output
    return policy.count("Candidate:") - policy.count("Candidate: (none)") == len(packages)


def _apt(command: str, arguments: Sequence[str], *, timeout: float, interruptible: bool = True) -> None:
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    # sudo drops the environment, so the command line carries it.
    variables = ["env", *(f"{name}={value}" for name, value in _QUIET.items())]
    finished = processes.run(
        [*sudo, *variables, "apt-get", "-qq", *_LOCK_OPTIONS, command, *arguments],
        timeout=timeout,
        capture=True,
        interruptible=interruptible and not sudo,  # root's processes cannot be ended from here
    )
    if finished.status != 0:
        reasons = [line for line in finished.output.splitlines() if line.startswith("E: ")]
        reason = (
            (reasons or finished.output.splitlines() or ["no reason given"])[0]
            .removeprefix("E: ")
            .rstrip(".")
        )
        raise UserError(f"apt-get {command} failed ({reason}): correct that, then type './inv setup'.")


def pip_install(extra: str) -> None:
    """Install this project with one of its extras into this environment. Raises UserError with the reason."""
    python = ENVIRONMENT_BIN / "python"
    finished = processes.run(
        [
            python,
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "--no-input",
            "--quiet",
            "--editable",
            f"{ROOT}[{extra}]",
        ],
        timeout=60 * _MINUTES,
        capture=True,
    )
    if finished.status != 0:
        errors = [line for line in finished.output.splitlines() if line.startswith("ERROR:")]
        reason = (errors or ["is there a network?"])[-1].removeprefix("ERROR: ").rstrip(".")
        raise UserError(
            f"pip could not install the extra '{extra}' ({reason}): type './inv setup' to try again."
        )
