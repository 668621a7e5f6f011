"""`clean`: removing what was built."""

from __future__ import annotations

import shutil

from common.errors import UserError
from common.locks import locked
from common.paths import BUILD, MODELS, ROOT, RUNS, TOOLS, shown
from tooling.simulate import running


def clean(*, everything: bool) -> str:
    """Remove build/ without the runs of training; with `everything` also those, .tools and .venv.

    Waits for builds that run. Returns what was removed and kept. Raises UserError while `sim` runs.
    """
    if url := running.url():
        raise UserError(f"A simulated board is running, at {url}: end it with Ctrl-C first.")
    precious = [RUNS, TOOLS, ROOT / ".venv"]
    built = [path for path in BUILD.iterdir() if path != RUNS] if BUILD.is_dir() else []
    removed = [path for path in [*built, *(precious if everything else [])] if path.exists()]
    for path in removed:
        if (path / "lock").is_file():
            with locked(path / "lock", f"a build in {shown(path)}"):
                shutil.rmtree(path)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    kept = [path for path in [MODELS, *precious] if path.exists()]
    return f"removed {', '.join(map(shown, removed)) or 'nothing'}\nkept {', '.join(map(shown, kept))}"
