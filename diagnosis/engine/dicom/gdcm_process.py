"""GDCM in a process of its own: a few wrong bytes make it write beyond its memory, which ends the process it is in."""

from __future__ import annotations

import resource
import subprocess
import sys

SECONDS = 20
MEMORY_BYTES = 1024**3


def decode_apart(pixels: bytes, syntax: str, shape: tuple[int, int], depth: tuple[int, int, bool]) -> bytes:
    """Return the stored words of one compressed picture.

    ``shape`` is rows and columns, ``depth`` bits allocated, bits stored, and whether some are negative. Raises
    subprocess.SubprocessError where there is nothing to be decoded.
    """
    facts = (str(int(fact)) for fact in (*shape, *depth))
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-P", __file__, syntax, *facts],  # this very file, as a program
        input=pixels,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # where GDCM says what it stumbles over
        timeout=SECONDS,
        check=True,
    )
    return done.stdout


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it would hold the picture
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    syntax, *facts = sys.argv[1:]
    sys.stdout.buffer.write(_decoded(sys.stdin.buffer.read(), syntax, *map(int, facts)))


def _decoded(pixels: bytes, syntax: str, rows: int, columns: int, allocated: int, stored: int, signed: int) -> bytes:
    import gdcm  # only here: where it is not needed, nobody shall wait for it

    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(pixels)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(element)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(syntax)))
    image.SetPixelFormat(gdcm.PixelFormat(1, allocated, stored, stored - 1, signed))
    words: bytes = image.GetBuffer().encode("utf-8", "surrogateescape")
    return words


if __name__ == "__main__":
    main()
