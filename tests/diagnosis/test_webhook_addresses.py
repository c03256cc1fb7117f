"""What webhooks may be connected to, and what they are connected to."""

from __future__ import annotations

import shutil
import socket
import time
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from diagnosis.webhooks import calling
from diagnosis.webhooks.addresses import AddressRefused, is_public, resolve
from tests.receiver import make_certificate, receiving

LOOPBACK = ip_network("127.0.0.0/8")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What the resolver answers."""
    known: dict[str, list[str]] = {}

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        if host not in known:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr("diagnosis.webhooks.addresses.socket.getaddrinfo", getaddrinfo)
    return known


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.1.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff0e::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)
def test_what_is_no_address_of_the_open_internet_is_refused(address: str, names: dict[str, list[str]]) -> None:
    names["hook.example"] = [address]
    assert not is_public(ip_address(address))
    with pytest.raises(AddressRefused, match="private network"):
        resolve("https://hook.example/")


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"])
def test_public_addresses_are_taken(address: str, names: dict[str, list[str]]) -> None:
    names["hook.example"] = [address]
    assert resolve("https://hook.example/a?b=c").address == address


def test_one_private_address_among_public_ones_is_enough_to_refuse(names: dict[str, list[str]]) -> None:
    names["hook.example"] = ["93.184.216.34", "10.0.0.1"]
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1"):
        resolve("https://hook.example/")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://hook.example/", "must begin with https://"),
        ("ftp://hook.example/", "must begin with https://"),
        ("hook.example", "must begin with https://"),
        ("https://", "must begin with https://"),
        ("https://alice:secret@hook.example/", "a name or a password"),
        ("https://hook.example:99999/", "no address of a web server"),
        ("https://[::1/", "no address of a web server"),
        ("https://hook.example/a b", "a blank"),
        ("https://hook.example/\r\nX-Injected: 1", "a blank"),
        ("https://hook.example\\@evil.example/", "a blank"),
        ("https://hook.example/é", "percent-encoded"),
        ("https://nowhere.example/", "No server is known"),
        ("https://" + "a" * 70 + ".example/", "no address of a web server"),
    ],
)
def test_what_is_no_address_gets_a_sentence(url: str, sentence: str, names: dict[str, list[str]]) -> None:
    names["hook.example"] = ["93.184.216.34"]
    with pytest.raises(AddressRefused, match=sentence):
        resolve(url)


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://2130706433/", "https://0x7f.1/", "https://[::1]/"])
def test_other_ways_to_write_this_machine_are_refused_too(url: str) -> None:
    with pytest.raises(AddressRefused):
        resolve(url)


def test_networks_that_the_setting_names_are_reached_and_no_others(
    settings: Settings, names: dict[str, list[str]]
) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = [ip_network("10.20.0.0/16")]
    names.update({"inside": ["10.20.3.4"], "beside": ["10.21.3.4"], "outside": ["93.184.216.34"]})
    assert resolve("http://inside/").address == "10.20.3.4"
    names["mapped"] = ["::ffff:127.0.0.1"]
    for url in ("https://beside/", "http://outside/", "https://mapped/"):
        with pytest.raises(AddressRefused):
            resolve(url)


def test_a_name_that_changes_its_address_is_connected_to_where_it_was_judged(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = [ip_network("127.0.0.1/32")]
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        if host != "rebinding.example":
            return real(host, port, *args, **options)
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with receiving() as receiver:
        answer = calling.call(receiver.url.replace("127.0.0.1", "rebinding.example"), {}, b"{}")
        assert answer.problem is None
        assert asked == ["rebinding.example"]
        assert receiver.calls[0].headers["Host"].startswith("rebinding.example:")


def test_a_proxy_of_the_environment_is_not_asked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = [LOOPBACK]
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with receiving() as receiver:
        assert calling.call(receiver.url, {}, b"{}").status_code == 200


def test_a_redirection_is_not_followed(settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = [LOOPBACK]
    with receiving() as receiver:
        receiver.status, receiver.headers = 307, {"Location": receiver.url.replace("hook", "elsewhere")}
        answer = calling.call(receiver.url, {}, b"{}")
        assert (answer.status_code, "redirection" in str(answer.problem)) == (307, True)
        assert [call.path for call in receiver.calls] == ["/hook"]


def test_an_answer_is_read_only_as_far_as_it_is_kept(settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = [LOOPBACK]
    with receiving() as receiver:
        receiver.text = b"<b>\0\n" + b"x" * 10_000_000
        answer = calling.call(receiver.url, {}, b"{}")
    assert answer.text == "<b>  " + "x" * 195


def test_an_answer_that_comes_byte_by_byte_is_cut_off(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = [LOOPBACK]
    monkeypatch.setattr(calling, "TOTAL_SECONDS", 0.4)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = calling.call(f"http://127.0.0.1:{silent.getsockname()[1]}/", {}, b"{}")
    assert "did not answer in time" in str(answer.problem)
    with receiving() as receiver:
        receiver.drip, receiver.text = 0.1, b"x" * 1000
        begun = time.monotonic()
        assert calling.call(receiver.url, {}, b"{}").status_code == 200, "its status came in time"
        assert time.monotonic() - begun < 20
        receiver.text = b""


def test_nobody_listening_and_nonsense_are_sentences(settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = [LOOPBACK]
    assert calling.call("http://127.0.0.1:1/", {}, b"{}").problem == "Nothing listens at that address."
    with receiving() as receiver:
        secure = receiver.url.replace("http:", "https:")
        assert "TLS" in str(calling.call(secure, {}, b"{}").problem)


@pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl to make a certificate with")
def test_the_certificate_must_be_that_of_the_name(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: dict[str, list[str]]
) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = [LOOPBACK]
    names.update({"hook.example": ["127.0.0.1"], "other.example": ["127.0.0.1"], "127.0.0.1": ["127.0.0.1"]})
    certificate = make_certificate(tmp_path, "hook.example")
    with receiving(certificate) as receiver:
        url = receiver.url.replace("127.0.0.1", "hook.example")
        assert "not to be trusted" in str(calling.call(url, {}, b"{}").problem)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert calling.call(url, {}, b"{}").status_code == 200
        assert "not to be trusted" in str(calling.call(url.replace("hook.", "other."), {}, b"{}").problem)
        assert len(receiver.calls) == 1
