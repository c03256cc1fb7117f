"""Zips that the tests pack, honest and hostile ones."""

from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile
from collections.abc import Iterable
from typing import Any

from tests.drawings import jpeg_bytes


def zip_bytes(files: Iterable[tuple[str | zipfile.ZipInfo, bytes]], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the same name twice, which is meant
        for name, data in files:
            archive.writestr(name, data)
    return buffer.getvalue()


def zip_of_one(name: str = "chest.jpg", data: bytes | None = None) -> bytes:
    return zip_bytes([(name, jpeg_bytes() if data is None else data)])


def zip_with_a_link() -> bytes:
    link = zipfile.ZipInfo("link.jpg")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zip_bytes([("chest.jpg", jpeg_bytes()), (link, b"/etc/passwd")])


def encrypted_zip() -> bytes:
    """Set the mark of encryption in both places where an archive has it."""
    data = bytearray(zip_of_one())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    return bytes(data)


def zip_bomb(size: int = 10 * 1024**3) -> bytes:
    """Claim ``size`` bytes in a few hundred: what a bomb's directory says, without the work of packing one."""
    return with_claimed_size(zip_of_one("bomb.png", bytes(1024**2)), min(size, 0xFFFFFFFE))


def zip_that_lies() -> bytes:
    """Pack 20 MB of zeros, and say that they are 1,000 bytes."""
    files = [("chest.jpg", jpeg_bytes()), ("bomb.png", bytes(20 * 1024**2))]
    return with_claimed_size(zip_bytes(files), 1000)


def with_claimed_size(data: bytes, size: int) -> bytes:
    """Write another size into the last entry of the directory and into its local header."""
    changed = bytearray(data)
    struct.pack_into("<I", changed, data.rindex(b"PK\x01\x02") + 24, size)
    struct.pack_into("<I", changed, data.rindex(b"PK\x03\x04") + 22, size)
    return bytes(changed)


def overlapping_zip(copies: int = 100) -> bytes:
    """Let every entry of the directory lead to the same bytes, which makes little unpack to much."""
    one = zip_of_one("a.png", bytes(1024**2))
    start, end = one.index(b"PK\x01\x02"), one.index(b"PK\x05\x06")
    directory = b"".join(one[start:end].replace(b"a.png", f"{i:05}".encode()) for i in range(copies))
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, copies, copies, len(directory), start, 0)
    return one[:start] + directory + tail


#: Of each: the file, and a part of the sentence with which all of it is refused.
BAD_ARCHIVES: dict[str, tuple[Any, str]] = {
    "cut off": (lambda: zip_of_one()[:-400], "The archive is cut off or damaged"),
    "nothing but its magic": (lambda: b"PK\x03\x04 and more", "The archive is cut off or damaged"),
    "empty": (lambda: zip_bytes([]), "The archive holds no files."),
    "only hidden files": (lambda: zip_of_one("__MACOSX/._chest.jpg"), "The archive holds no files."),
    "dots": (lambda: zip_of_one("../../chest.jpg"), "names files outside of itself"),
    "backslashes": (lambda: zip_of_one("..\\..\\chest.jpg"), "names files outside of itself"),
    "absolute": (lambda: zip_of_one("/etc/chest.jpg"), "names files outside of itself"),
    "drive": (lambda: zip_of_one("C:chest.jpg"), "names files outside of itself"),
    "encrypted": (encrypted_zip, "protected by a password"),
    "10,000 entries": (lambda: zip_bytes((f"{i}.jpg", b"x") for i in range(10_000)), "The archive holds "),
    "10 GB in 10 kB": (zip_bomb, "Unpacked, the archive would be larger than the 500 MB"),
    "overlapping": (overlapping_zip, "The archive is cut off or damaged"),
    "document": (lambda: zip_of_one("[Content_Types].xml", b"<xml/>"), "a document or a program"),
}

#: Of each: the file, the name of the bad entry, its problem's status and a part of the sentence. Any other is good.
BAD_ENTRIES: dict[str, tuple[Any, str, int, str]] = {
    "zip in a zip": (
        lambda: zip_bytes([("chest.jpg", jpeg_bytes()), ("inner.zip", zip_of_one())]),
        "inner.zip",
        415,
        "an archive within the archive",
    ),
    "lying size": (zip_that_lies, "bomb.png", 400, "damaged in the archive"),
    "link": (zip_with_a_link, "link.jpg", 415, "a link or a device"),
    "same name twice": (
        lambda: zip_bytes([("chest.jpg", jpeg_bytes()), ("chest.jpg", jpeg_bytes(seed=2))]),
        "chest.jpg",
        415,
        "the same name",
    ),
    "text": (
        lambda: zip_bytes([("chest.jpg", jpeg_bytes()), ("notes.txt", b"hello")]),
        "notes.txt",
        415,
        "no image that can be read",
    ),
    "empty file": (lambda: zip_bytes([("chest.jpg", jpeg_bytes()), ("nil.jpg", b"")]), "nil.jpg", 400, "empty"),
    "too large": (
        lambda: zip_bytes([("chest.jpg", jpeg_bytes()), ("big.png", bytes(26 * 1024**2))]),
        "big.png",
        413,
        "larger than the 25 MB",
    ),
}
