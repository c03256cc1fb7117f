"""A file with a Keras network that somebody else made: looked into before anything of it is built."""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras

from training.errors import ImportRefused
from training.keras_config import clean, take_off_activation

#: Far more than any network that reads a radiograph in one pass needs.
MAX_FILE_BYTES = 2_000_000_000
MAX_CONFIG_BYTES = 20_000_000

_ZIP, _HDF5, _PICKLE = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"\x80"


def read_network(path: Path) -> tuple[keras.Model, str]:
    """Return the network, ending in what its last activation is fed, and that activation's name.

    ``path`` is a ``.keras`` archive or an HDF5 file of a whole model, as Keras 2 wrote them too; its kind is told by
    what it holds and not by its name. Raises ImportRefused, with the reason.
    """
    head = _head(path)
    if head.startswith(_HDF5):
        config, weights = _read_hdf5(path), None
    elif head.startswith(_ZIP):
        config, weights = _read_archive(path)
    elif head.startswith(_PICKLE):
        raise ImportRefused(f"{path} is a pickle, and reading one runs whatever code it holds: save it with Keras.")
    else:
        raise ImportRefused(f"{path} is neither a .keras nor an HDF5 file.")
    cleaned, activation = _understand(config)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / ("model.h5" if weights is None else "model.weights.h5")
        if weights is None:
            target.symlink_to(path.resolve())
        else:
            target.write_bytes(weights)
        _check_weights(target)
        return _build(cleaned, target), activation


def _understand(config: Any) -> tuple[dict[str, Any], str]:
    """Return the cleaned description, without its last activation, and the name of that."""
    try:
        cleaned = clean(config)
        return cleaned, take_off_activation(cleaned)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise ImportRefused("The file describes no network that can be understood.") from error


def _head(path: Path) -> bytes:
    if not path.is_file():
        raise ImportRefused(f"{path} is no file.")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ImportRefused(f"{path} is larger than the {MAX_FILE_BYTES:,} bytes that are taken.")
    with path.open("rb") as file:
        return file.read(8)


def _read_hdf5(path: Path) -> Any:
    try:
        with h5py.File(path, "r") as file:
            text = file.attrs.get("model_config")
    except (OSError, KeyError) as error:
        raise ImportRefused(f"{path} is a damaged HDF5 file.") from error
    if text is None:
        raise ImportRefused(f"{path} holds weights alone: save the whole model, with model.save(…).")
    return _parse(text, path)


def _read_archive(path: Path) -> tuple[Any, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
            if lacking := {"config.json", "model.weights.h5"} - sizes.keys():
                raise ImportRefused(f"{path} is no .keras file: it lacks {min(lacking)}.")
            if sizes["config.json"] > MAX_CONFIG_BYTES or sizes["model.weights.h5"] > MAX_FILE_BYTES:
                raise ImportRefused(f"{path} unpacks to more than is taken.")
            return _parse(archive.read("config.json"), path), archive.read("model.weights.h5")
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ImportRefused(f"{path} is a damaged .keras file.") from error


def _parse(text: str | bytes, path: Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise ImportRefused(f"The description of the network in {path} is no JSON.") from error


def _check_weights(path: Path) -> None:
    """Refuse weights that lie in other files, which HDF5 would read from anywhere, or that would fill the memory."""
    linked: list[str] = []
    sizes: list[int] = []

    def look(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            sizes.append(item.nbytes)
            linked.extend([name] if item.external or item.is_virtual else [])
        else:
            links = {key: item.get(key, getlink=True) for key in item}
            linked.extend(f"{name}/{key}" for key, link in links.items() if not isinstance(link, h5py.HardLink))

    try:
        with h5py.File(path, "r") as file:
            look("", file)
            file.visititems(look)
    except (OSError, KeyError, RuntimeError) as error:
        raise ImportRefused("The weights are a damaged HDF5 file.") from error
    if linked:
        raise ImportRefused(f"The weights point to another file at {linked[0]}: save the network in one piece.")
    if sum(sizes) > MAX_FILE_BYTES:
        raise ImportRefused("The weights unpack to more than is taken.")


def _build(cleaned: dict[str, Any], weights: Path) -> keras.Model:
    try:
        network = keras.saving.deserialize_keras_object(cleaned, safe_mode=True)
        network.load_weights(weights)
    except Exception as error:  # Keras raises whatever its layers do: ValueError, TypeError, KeyError, ...
        said = str(error).strip().partition("\n")[0][:200]
        raise ImportRefused(f"Keras cannot build the network that the file describes: {said}") from error
    return network
