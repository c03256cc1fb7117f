"""Makes one report, under limits of time and memory: facts as a line of JSON and the image come in, a PDF goes out."""

from __future__ import annotations

import base64
import json
import resource
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any, cast

from diagnosis.engine import heatmap
from diagnosis.engine.errors import RadiographError
from diagnosis.engine.picture import jpeg, small_picture, under_heat

HERE = Path(__file__).parent
TEMPLATE = HERE / "report.typ"
FONTS = HERE / "report_fonts"

#: Pixels of the longer side: 260 dots per inch at the size on the page.
LONGEST = 900
OPACITY = 0.6
CPU_SECONDS = 20
MEMORY_BYTES = 1536 * 1024**2


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    facts = json.loads(sys.stdin.buffer.readline())
    sys.stdout.buffer.write(typeset(facts, sys.stdin.buffer.read()))


def typeset(facts: dict[str, Any], image: bytes) -> bytes:
    """Return the page as PDF/UA: tagged, so that a screen reader gets along with it."""
    import typst  # only here: it takes 30 MB, and the web process needs HERE and no more

    heat = base64.b64decode(facts.pop("heatmap"))
    pictures = _pictures(image, heat)
    facts |= {"pictures": list(pictures), "colours": ["#{:02x}{:02x}{:02x}".format(*c) for c in heatmap.COLOURS]}
    with tempfile.TemporaryDirectory() as folder:
        for name, data in {TEMPLATE.name: TEMPLATE.read_bytes(), **pictures}.items():
            (Path(folder) / name).write_bytes(data)
        compiled: Any = partial(
            typst.compile,
            Path(folder) / TEMPLATE.name,
            font_paths=[FONTS],
            ignore_system_fonts=True,
            sys_inputs={"facts": json.dumps(facts)},
        )
        try:
            return cast(bytes, compiled(pdf_standards=["ua-1"]))
        except typst.TypstError:  # the standard forbids a character that no font has, such as 🫁 in a file's name
            return cast(bytes, compiled())


def _pictures(image: bytes, heat: bytes) -> dict[str, bytes]:
    """Return the radiograph, and once more with the heat map over it; nothing where the file shows no picture."""
    try:
        picture = small_picture(image, LONGEST)
    except RadiographError:
        return {}
    found = {"radiograph.jpg": jpeg(picture)}
    if heat:
        found["heat.jpg"] = jpeg(under_heat(picture, heat, OPACITY))
    return found


if __name__ == "__main__":
    main()
