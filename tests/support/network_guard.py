"""Forbids tests every address that is not on this machine."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import pytest


class NetworkForbiddenError(RuntimeError):
    """A test reached for an address beyond this machine."""


def forbid_network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lets only Unix sockets and loopback through; returns the list that each refused address is added to.

    A name under `.invalid` is answered as unknown: tests use it for a host that does not exist.
    """
    refused: list[str] = []
    for method in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, method, _guarded(getattr(socket.socket, method), refused))
    monkeypatch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo, refused))
    return refused


def _guarded(original: Callable[..., Any], refused: list[str]) -> Callable[..., Any]:
    def call(self: socket.socket, *args: Any) -> Any:
        address = args[-1]
        if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
            _check(str(address[0]), refused)
        return original(self, *args)

    return call


def _guarded_lookup(original: Callable[..., Any], refused: list[str]) -> Callable[..., Any]:
    def lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and str(name).rstrip(".").endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if name:
            _check(str(name), refused)
        return original(host, *args, **kwargs)

    return lookup


def _check(host: str, refused: list[str]) -> None:
    if not is_local(host):
        refused.append(host)
        raise NetworkForbiddenError(f"tests speak to this machine only, not to {host}")


def is_local(host: str) -> bool:
    """Loopback, or the wildcard address that a server binds."""
    if host in ("localhost", ""):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
