"""The fuzzer of the model file's reader: Atheris, which is libFuzzer for Python.

`python -m tooling.fuzz.model_reader` takes libFuzzer's own arguments; `invoke fuzz` gives them. Half of the
inputs are bytes changed anywhere, which the archive's checksums should catch. The other half are archives
rebuilt after their contents were changed, which reaches the code behind those checksums.
"""

import io
import random
import sys
import zipfile

import atheris

with atheris.instrument_imports(
    include=["compiler.model_file", "compiler.network", "zipfile", "numpy.lib._format_impl"]
):
    from compiler import model_file, network, reference

from common.errors import UserError
from common.paths import model_files

Content = tuple[str, int, float, str, str]


def content_of(model: network.Model) -> Content:
    """All that a model file says."""
    interface = repr((model.input, model.class_names, model.preparation))
    return model.name, model.checksum, model.logit_scale, interface, repr(sorted(model.metadata.items()))


def checksums_of(data: bytes) -> frozenset[tuple[str, int]]:
    """The checksums with which the archive vouches for its contents, by member."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return frozenset((member.filename, member.CRC) for member in archive.infolist())


COMMITTED = {
    checksums_of(data): content_of(model_file.decode(data))
    for data in (path.read_bytes() for path in model_files())
}


def check(data: bytes) -> None:
    """Only a UserError may come out, and what vouches for a committed model must be that model."""
    try:
        model = model_file.decode(data)
    except UserError as error:
        assert str(error), "a refusal without a reason"
        return
    committed = COMMITTED.get(checksums_of(data))
    assert committed in (None, content_of(model)), "altered content was accepted silently"
    logits = reference.run(model, reference.selftest_image(model)[None])
    assert logits.shape == (1, model.classes), logits.shape


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change bytes anywhere, or those of one member of the archive. Fully determined by `seed`."""
    rng = random.Random(seed)
    if rng.random() < 0.5:
        return bytes(atheris.Mutate(data, max_size))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # not an archive
        members = {}
    if not members:
        return bytes(atheris.Mutate(data, max_size))
    chosen = rng.choice(sorted(members))
    members[chosen] = bytes(atheris.Mutate(members[chosen], max(len(members[chosen]) + 64, 256)))
    again = io.BytesIO()
    with zipfile.ZipFile(again, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return again.getvalue()[:max_size]


if __name__ == "__main__":
    atheris.Setup(sys.argv, check, custom_mutator=mutate)
    atheris.Fuzz()
