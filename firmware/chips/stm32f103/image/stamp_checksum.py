"""Writes the CRC-32 of a linked image into its .checksum section: stamp_checksum.py OBJCOPY ELF.

The checksum covers every byte of flash before the section; at boot the firmware computes it again.
"""

import subprocess
import sys
import tempfile
import zlib
from pathlib import Path


def main() -> None:
    objcopy, elf = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        image, stamp = Path(folder, "image.bin"), Path(folder, "stamp.bin")
        subprocess.run([objcopy, "-O", "binary", "-R", ".checksum", elf, image], check=True)
        stamp.write_bytes(zlib.crc32(image.read_bytes()).to_bytes(4, "little"))
        subprocess.run([objcopy, "--update-section", f".checksum={stamp}", elf], check=True)


if __name__ == "__main__":
    main()
