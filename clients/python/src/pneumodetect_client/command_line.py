"""``pneumodetect-client``: the API from a shell."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pneumodetect_client import login, tables
from pneumodetect_client.client import Client
from pneumodetect_client.errors import ClientError, ProblemError
from pneumodetect_client.paths import files_of
from pneumodetect_client.records import Result

TAKEN, NOT_ALL_TAKEN, FAILED = 0, 1, 3
FILTERS = ("search", "status", "label", "band", "model_version", "tag", "created_after", "created_before", "ordering")


def main(words: Sequence[str] | None = None) -> int:
    """Return the exit status."""
    options = parser().parse_args(words)
    try:
        status: int = options.run(options)
    except ClientError as error:
        print(f"pneumodetect-client: {error}", file=sys.stderr)
        return NOT_ALL_TAKEN if isinstance(error, ProblemError) and error.status == 404 else FAILED
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return TAKEN
    except KeyboardInterrupt:
        return 130
    return status


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="pneumodetect-client", description="Sends chest X-rays to a PneumoDetect server."
    )
    top.add_argument("--url", help=f"the server; else PNEUMODETECT_URL, else where you logged in, {login.DEFAULT_URL}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_login(commands)
    _add_upload(commands)
    _add_list(commands)
    for name, run, words in (("show", show, "print all that is known of"), ("delete", delete, "delete")):
        command = commands.add_parser(name, help=f"{words} radiographs")
        command.add_argument("id", nargs="+")
        command.set_defaults(run=run)
    for name, ending in (("image", "png"), ("heatmap", "png"), ("report", "pdf")):
        command = commands.add_parser(name, help=f"save the {name} of a radiograph as {ending.upper()}")
        command.add_argument("id")
        command.add_argument("--output", "-o", help="the file; - for standard output")
        command.set_defaults(run=download, part=name, ending=ending)
    return top


def _add_login(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("login", help="ask for a token, and keep it for the other commands")
    command.add_argument("--url", default=argparse.SUPPRESS)
    command.add_argument("--username")
    command.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    command.set_defaults(run=log_in)


def _add_upload(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("upload", help="send files, folders and zips")
    command.add_argument("path", nargs="+")
    command.add_argument("--wait", nargs="?", type=float, const=60.0, default=0.0, metavar="SECONDS")
    command.add_argument("--parallel", type=int, default=4, help="files that are sent at once")
    _add_forms(command)
    command.set_defaults(run=upload)


def _add_list(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("list", help="list radiographs, the newest first")
    for name in FILTERS:
        command.add_argument(f"--{name.replace('_', '-')}")
    command.add_argument("--limit", type=int, default=0, help="no more than so many")
    _add_forms(command)
    command.set_defaults(run=list_radiographs)


def _add_forms(command: argparse.ArgumentParser) -> None:
    forms = command.add_mutually_exclusive_group()
    for form in ("csv", "json"):
        forms.add_argument(f"--{form}", dest="form", action="store_const", const=form, default="text")


def _client(options: argparse.Namespace, parallel: int = 1) -> Client:
    known = login.load(options.url)
    return Client(known.url, known.token, parallel=max(1, parallel))


def log_in(options: argparse.Namespace) -> int:
    url = options.url or os.environ.get("PNEUMODETECT_URL") or login.DEFAULT_URL
    username = options.username or input("Username: ")
    password = sys.stdin.readline().rstrip("\n") if options.password_stdin else getpass.getpass()
    with Client.log_in(url, username, password) as client:
        login.save(login.Login(url, client.token))
    print(f"Logged in to {url} as {username}.", file=sys.stderr)
    return TAKEN


def upload(options: argparse.Namespace) -> int:
    is_all_well = True
    write = tables.writer(options.form)
    with _client(options, options.parallel) as client:
        for result in client.upload_all(files_of(options.path), wait=options.wait):
            write(tables.row_of(result))
            is_all_well &= _is_well(result, is_awaited=options.wait > 0)
    return TAKEN if is_all_well else NOT_ALL_TAKEN


def _is_well(result: Result, is_awaited: bool) -> bool:
    if result.radiograph is None:
        return False
    return not is_awaited or result.radiograph.status in ("succeeded", "refused")


def list_radiographs(options: argparse.Namespace) -> int:
    filters = {name: value for name in FILTERS if (value := getattr(options, name))}
    write = tables.writer(options.form)
    with _client(options) as client:
        for number, radiograph in enumerate(client.radiographs(**filters), 1):
            write(tables.row_of_radiograph(radiograph))
            if number == options.limit:
                break
    return TAKEN


def show(options: argparse.Namespace) -> int:
    with _client(options) as client:
        for pk in options.id:
            print(json.dumps(client.radiograph(pk).data, indent=2))
    return TAKEN


def delete(options: argparse.Namespace) -> int:
    with _client(options) as client:
        for pk in options.id:
            client.delete(pk)
    return TAKEN


def download(options: argparse.Namespace) -> int:
    with _client(options) as client:
        data: bytes = getattr(client, options.part)(options.id)
    if options.output == "-":
        sys.stdout.buffer.write(data)
        return TAKEN
    path = Path(options.output or f"{options.id}-{options.part}.{options.ending}")
    try:
        path.write_bytes(data)
    except OSError as error:
        raise ClientError(f"{path} cannot be written: {error.strerror}.") from error
    print(path)
    return TAKEN


if __name__ == "__main__":
    sys.exit(main())
