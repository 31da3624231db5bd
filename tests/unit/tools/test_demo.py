# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/demo.py notices a published port that does not lead to its container."""

from __future__ import annotations

import importlib
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TOOLS = Path(__file__).resolve().parents[3] / "tools"


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    module = importlib.import_module("demo")
    monkeypatch.setattr(module, "ANSWER", 0.2)
    return module


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def listener(sockets: ExitStack) -> socket.socket:
    server = sockets.enter_context(socket.socket())
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    return server


def closed_port() -> int:
    with ExitStack() as stack:
        return int(listener(stack).getsockname()[1])


def silent_port(sockets: ExitStack) -> int:
    """A port whose queue of connections is full: the kernel drops what comes, as a lost packet would be."""
    port = int(listener(sockets).getsockname()[1])
    for _number in range(3):
        waiting = sockets.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(("127.0.0.1", port))
    return port


def with_ports(demo: ModuleType, *ports: int) -> Any:
    running = demo.Demo()
    running.ports = {f"service{number}": port for number, port in enumerate(ports)}
    return running


def test_a_refusal_and_a_connection_are_answers(demo: ModuleType, sockets: ExitStack) -> None:
    taking = int(listener(sockets).getsockname()[1])
    assert with_ports(demo, closed_port(), taking).unreached() is None


def test_silence_is_found(demo: ModuleType, sockets: ExitStack) -> None:
    silent = silent_port(sockets)
    assert with_ports(demo, closed_port(), silent).unreached() == silent


class Podman:
    """Stands in for the engine: it knows of no container, and remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, *arguments: str, **_options: bool) -> str:
        self.calls.append(arguments[0])
        return ""


def test_a_host_that_cannot_be_reached_is_started_once_more_and_then_given_up(
    demo: ModuleType, sockets: ExitStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    podman = Podman()
    monkeypatch.setattr(demo.images, "podman", podman)
    running = with_ports(demo, silent_port(sockets))
    monkeypatch.setattr(running, "check_ports", lambda: None)
    monkeypatch.setattr(running, "stamp", tmp_path / "container")
    monkeypatch.setattr(demo, "SERVICES", {"service0": 25})
    with pytest.raises(demo.DemoError, match="packets do not reach the container"):
        running.start("image")
    assert podman.calls == ["container", "run", "rm", "run"]
