# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What puffy.mail.site costs for each host of a fleet: seconds, and memory of the control node.

    make bench-fleet OPTIONS="--sizes 5 20 50 --forks 5 --minutes 60"

Each size is a fleet of new containers (Debian trixie with the mail packages), which become mail hosts with SQLite
accounts and Dovecot, and share one CA. The first run makes them; the second finds nothing to change. The hosts run on
the machine of the control node, so their work is a part of the seconds.

The memory is the most that ansible-playbook and its workers had together, as proportional set size: a page that several
processes share counts once. The clients of the connections (podman here, ssh elsewhere) are counted beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.puffy.mail.tests.harness.containers import Host, machine
from ansible_collections.puffy.mail.tests.harness.playbooks import STRICT, mail_hosts, tree

#: how much more a host may cost in the largest fleet than in the smallest, in the second run
MOST_TIMES = 1.2
#: seconds between two looks at the processes
_LOOK = 0.5
_HASH = "{BLF-CRYPT}$2b$04$n39JRHIP432OWo4UaJKhMOhuOtcpnNFyYKmj2dzeXaQLYW.To3.lW"


@dataclass(frozen=True)
class Cost:
    """What one run over a fleet took: seconds, and the most KiB of Ansible and of the clients of its connections."""

    hosts: int
    seconds: float
    ansible: int
    clients: int

    @property
    def for_each(self) -> float:
        """Seconds for each host."""
        return self.seconds / self.hosts


def children(processes: dict[int, int], of: int) -> list[int]:
    """``of`` and all that descend from it. ``processes`` has the parent of each."""
    found = [of]
    for process in found:
        found += [child for child, parent in processes.items() if parent == process]
    return found


def memory(of: int) -> tuple[int, int]:
    """KiB of the process and its workers, and of the other programs that they run."""
    processes: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            processes[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    ansible = clients = 0
    for process in children(processes, of):
        with contextlib.suppress(OSError, TypeError):
            command = Path(f"/proc/{process}/cmdline").read_bytes()
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{process}/smaps_rollup").read_text(), re.MULTILINE)
            size = int(found[1]) if found else 0
            if b"ansible-playbook\0" in command:
                ansible += size
            else:
                clients += size
    return ansible, clients


class Fleet:
    """Containers, and the inventory that has them."""

    def __init__(self, size: int, directory: Path, stack: contextlib.ExitStack) -> None:
        self.size, self.directory = size, directory
        self.hosts = [stack.enter_context(Host("trixie-mail")) for _number in range(size)]
        group: dict[str, Any] = {
            "tls_pki_ca_directory": str(directory / "pki"),
            "sqlite_maps_domains": ["example.test"],
            "sqlite_maps_mailboxes": [{"address": "alice@example.test", "password_hash": _HASH}],
        }
        data = mail_hosts({f"mx{n}.example.test": host.connection for n, host in enumerate(self.hosts, 1)})
        data["mail_hosts"]["vars"] = group
        self.inventory = directory / "inventory.json"
        self.inventory.write_text(json.dumps(data))

    def run(self, forks: int, deadline: float, *, changes: bool) -> Cost:
        """Run the site playbook once. SystemExit where it fails, changes what it should not, or runs out of time."""
        log = self.directory / "log"
        began = time.monotonic()
        with (
            log.open("w") as output,
            subprocess.Popen(
                [Path(sys.executable).parent / "ansible-playbook", "-i", self.inventory, "puffy.mail.site"],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={
                    **os.environ,
                    **STRICT,
                    "ANSIBLE_COLLECTIONS_PATH": tree(),
                    "ANSIBLE_PIPELINING": "1",
                    "ANSIBLE_FORKS": str(forks),
                    "ANSIBLE_HOME": str(self.directory),
                    "ANSIBLE_NOCOLOR": "1",
                },
            ) as process,
        ):
            most = [0, 0]
            try:
                while process.poll() is None:
                    if time.monotonic() > deadline:
                        raise SystemExit(f"{self.size} hosts: the time is up. Use smaller --sizes, or more --minutes.")
                    most = [max(pair) for pair in zip(most, memory(process.pid), strict=True)]
                    time.sleep(_LOOK)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
        seconds = time.monotonic() - began
        said = log.read_text()
        recap = said.rpartition("PLAY RECAP")[2]
        changed = sum(int(number) for number in re.findall(r"changed=(\d+)", recap))
        if process.returncode != 0 or recap.count("changed=") != self.size or bool(changed) is not changes:
            raise SystemExit(f"{self.size} hosts: rc {process.returncode}, changed {changed}\n{said[-4000:]}")
        return Cost(self.size, seconds, *most)


def measure(size: int, forks: int, deadline: float) -> tuple[Cost, Cost]:
    """The first run and the second one over a fleet of that size."""
    with tempfile.TemporaryDirectory(prefix="puffy-mail-bench-") as name, contextlib.ExitStack() as stack:
        fleet = Fleet(size, Path(name), stack)
        return fleet.run(forks, deadline, changes=True), fleet.run(forks, deadline, changes=False)


def row(title: str, cost: Cost) -> str:
    """One line of the table."""
    return (
        f"{cost.hosts:>5}  {title:12}{cost.seconds:>9.1f}{cost.for_each:>10.2f}{cost.ansible / 1024:>13.0f}"
        f"{cost.clients / 1024:>13.0f}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[5, 20, 50], help="hosts of each fleet")
    parser.add_argument("--forks", type=int, default=5, help="hosts that Ansible works on at once")
    parser.add_argument("--minutes", type=float, default=90.0, help="minutes after which the benchmark gives up")
    options = parser.parse_args(arguments)
    deadline = time.monotonic() + 60.0 * options.minutes
    # Who is ended by kill(1) removes the containers, too.
    signal.signal(signal.SIGTERM, lambda *_dummy: sys.exit(143))
    print(machine(), flush=True)
    print(f"forks: {options.forks}\n")
    print(f"{'hosts':>5}  {'puffy.mail.site':12}{'seconds':>6}{'a host':>10}{'Ansible MiB':>13}{'clients MiB':>13}")
    seconds: dict[int, float] = {}
    for size in sorted(options.sizes):
        first, second = measure(size, options.forks, deadline)
        print(row("first run", first), row("second run", second), sep="\n", flush=True)
        seconds[size] = second.for_each
    if len(seconds) < 2:
        return 0
    least, most = min(seconds), max(seconds)
    times = seconds[most] / seconds[least]
    print(
        f"\nthe second run, for each host: with {most} hosts {times:.2f} times that with {least}, target"
        f" <= {MOST_TIMES}{'' if times <= MOST_TIMES else '   MISSED'}"
    )
    return 0 if times <= MOST_TIMES else 1


if __name__ == "__main__":
    sys.exit(main())
