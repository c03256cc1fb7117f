"""What an archive's directory gives away before anything is unpacked."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from contextlib import suppress

import pytest

from diagnosis.engine.archive import Archive, ArchiveError, Limits, is_archive
from diagnosis.engine.errors import RadiographError
from tests.archives import BAD_ARCHIVES, BAD_ENTRIES, zip_bytes
from tests.drawings import jpeg_bytes

LIMITS = Limits(files=500, total_bytes=500 * 1024**2, file_bytes=25 * 1024**2)


def opened(data: bytes, limits: Limits = LIMITS) -> Archive:
    return Archive(io.BytesIO(data), limits)


def contents_of(archive: Archive) -> dict[str, bytes | str]:
    """Return of each file its content, or why it is not taken."""
    found: dict[str, bytes | str] = {}
    for entry in archive.entries:
        try:
            found[entry.name] = b"".join(archive.read(entry))
        except RadiographError as error:
            found[entry.name] = error.detail
    return found


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_come_out_as_they_went_in(kind: int) -> None:
    files = {f"{seed}/chest.jpg": jpeg_bytes(seed=seed) for seed in range(3)}
    data = zip_bytes(list(files.items()), kind)
    assert is_archive(io.BytesIO(data))
    assert contents_of(opened(data)) == files


def test_what_systems_put_beside_ones_files_is_left_out_and_counted() -> None:
    names = ["__MACOSX/._a.jpg", ".DS_Store", "scans/Thumbs.db", "scans/desktop.ini", "scans/.hidden/a.jpg", "scans/"]
    archive = opened(zip_bytes([*((name, b"") for name in names), ("scans/a.jpg", jpeg_bytes())]))
    assert [entry.name for entry in archive.entries] == ["scans/a.jpg"]
    assert archive.skipped == 5


@pytest.mark.parametrize("case", BAD_ARCHIVES)
def test_a_bad_archive_is_refused_before_anything_is_unpacked(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, words = BAD_ARCHIVES[case]
    data = make()
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(RadiographError, match=words.replace("[", r"\[")):
        opened(data)


def test_a_directory_too_large_for_the_limit_is_not_even_read() -> None:
    data = zip_bytes((f"{i}{'x' * 500}", b"") for i in range(20_000))
    tracemalloc.start()
    try:
        with pytest.raises(ArchiveError, match="too many files; at most 10"):
            opened(data, Limits(10, 1024, 1024))
        assert tracemalloc.get_traced_memory()[1] < 2 * 1024**2
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("case", BAD_ENTRIES)
def test_a_bad_entry_is_refused_alone(case: str) -> None:
    make, name, _, words = BAD_ENTRIES[case]
    archive = opened(make())
    outcomes = []
    for entry in archive.entries:
        try:
            outcomes.append((entry.name, b"".join(archive.read(entry))))
        except RadiographError as error:
            outcomes.append((entry.name, error.detail.encode()))
    assert outcomes[0] == ("chest.jpg", jpeg_bytes())
    if case in ("text", "empty file"):  # only what is within tells: the validator's business
        return
    assert outcomes[1][0] == name
    assert words in outcomes[1][1].decode()


def test_a_lying_size_unpacks_to_no_more_than_it_says() -> None:
    archive = opened(BAD_ENTRIES["lying size"][0]())
    tracemalloc.start()
    try:
        assert "damaged" in str(contents_of(archive)["bomb.png"])
        assert tracemalloc.get_traced_memory()[1] < 2 * 1024**2
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_compressions_that_can_be_bounded_are_unpacked(kind: int) -> None:
    [content] = contents_of(opened(zip_bytes([("chest.jpg", jpeg_bytes())], kind))).values()
    assert "compressed in a way" in str(content)


def test_a_damaged_content_is_noticed() -> None:
    data = bytearray(zip_bytes([("chest.jpg", jpeg_bytes())], zipfile.ZIP_STORED))
    data[2000] ^= 0xFF
    assert "damaged in the archive" in str(contents_of(opened(bytes(data)))["chest.jpg"])


@pytest.mark.parametrize("seed", range(60))
def test_any_other_damage_raises_nothing_else_either(seed: int) -> None:
    data = bytearray(zip_bytes([("chest.jpg", b"x" * 300), ("ü.jpg", b"y" * 300)]))
    place = (seed * 37) % len(data)
    data[place] = (data[place] + 1 + seed * 29) % 256
    with suppress(RadiographError):
        contents_of(opened(bytes(data)))
