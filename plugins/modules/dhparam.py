#!/usr/bin/python
# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = """
module: dhparam
short_description: A file of Diffie-Hellman parameters
version_added: "0.1.0"
author: The puffy.mail developers (@puffy-mail)
description:
  - Writes a group of RFC 7919, which takes no time, or searches for new parameters on all cores and uses the first that
    are found.
  - The search removes numbers with a small factor first. C(openssl dhparam) does so for a few small primes only. The
    cryptographic library that Python is linked to tests the numbers that remain. If the module cannot reach that
    library, it runs one C(openssl dhparam) on each core instead.
  - The module judges an existing file by its numbers. It does not use the exit status of C(openssl dhparam -check),
    which is 0 for bad parameters in LibreSSL. A file with the wanted size and a safe prime is kept.
  - The old file stays until the new parameters are checked.
notes:
  - The time of a search varies widely around its mean. Two workers halve the mean.
  - Postfix needs no such file. C(postconf) of version 3.9 and later warns if C(smtpd_tls_dh1024_param_file) is set.
options:
  path:
    description:
      - The file. Its directory must exist. A new file gets mode V(0644), since the parameters are public. An existing
        file keeps its owner and mode.
    type: path
    required: true
  bits:
    description:
      - Size of the prime to search for, in bits, from 2048 to 8192 and a multiple of 8.
      - An existing file with exactly this size is kept, even if it is a known group.
      - Give either this or O(group).
    type: int
  group:
    description: Group of RFC 7919 to write. Give either this or O(bits).
    type: str
    choices: [ffdhe2048, ffdhe3072, ffdhe4096, ffdhe6144, ffdhe8192]
  workers:
    description: Number of processes that search. The default is the number of cores the module may use.
    type: int
  timeout:
    description: Seconds after which the search ends without a result. The file then stays as it was.
    type: int
    default: 3600
  force:
    description:
      - Make new parameters although the parameters in the file are good, or although the file has no parameters.
      - With O(group), a file that has the wanted group is kept.
    type: bool
    default: false
extends_documentation_fragment:
  - puffy.mail.pending
attributes:
  check_mode:
    support: full
    description: Can run in check mode. It does not search.
  diff_mode:
    support: full
    description: Shows size, generator and known group before and after, not the numbers.
  idempotent:
    support: partial
    description: With O(force=true) and O(bits) every run makes new parameters.
  platform:
    support: full
    platforms: posix
    description: A search may need C(openssl) of OpenSSL 1.1.1 or later, or of LibreSSL. A group needs no command.
requirements:
  - openssl, for O(bits)
seealso:
  - module: community.crypto.openssl_dhparam
"""

EXAMPLES = """
- name: Write a group that clients know
  puffy.mail.dhparam:
    path: /etc/ssl/dhparam.pem
    group: ffdhe3072

- name: Search for new parameters, for at most ten minutes
  puffy.mail.dhparam:
    path: /etc/ssl/dhparam.pem
    bits: 2048
    timeout: 600
"""

RETURN = """
path:
  description: The file.
  returned: success
  type: str
bits:
  description: Size of the prime, in bits.
  returned: success
  type: int
generator:
  description: The generator. In check mode it is V(2) if a search would run.
  returned: success
  type: int
known_group:
  description: Name of the group of RFC 7919 (C(ffdhe)) or RFC 3526 (C(modp)); empty for other parameters.
  returned: success
  type: str
  sample: ffdhe2048
reason:
  description: Why the file was written, or would be written in check mode; empty if the file was kept.
  returned: success
  type: str
  sample: the file does not exist
seconds:
  description: Duration of the search, in seconds; 0 without a search.
  returned: success
  type: float
"""

import contextlib
import os
import queue
import threading
import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.puffy.mail.plugins.module_utils import _command, _files, _host_lock
from ansible_collections.puffy.mail.plugins.module_utils._tls import dhparam

try:
    import ctypes

    from ansible_collections.puffy.mail.plugins.module_utils._tls import libcrypto
except ImportError:  # a Python without ctypes
    libcrypto = None  # type: ignore[assignment]


def cores() -> int:
    """The number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_current(path: str, force: bool) -> tuple[_files.FileState | None, dhparam.DhParameters | None]:
    """The file and the parameters in it. A file without parameters is an error, unless ``force`` is true."""
    state = _files.read(path)
    if state is None:
        return None, None
    try:
        return state, dhparam.parse(state.content, path)
    except ValueError:
        if force:
            return state, None
        raise


def reason(current: dhparam.DhParameters | None, exists: bool, bits: int | None, group: str | None) -> str:
    """Why ``current`` must be replaced; empty if it stays."""
    if current is None:
        return "the file has no DH parameters" if exists else "the file does not exist"
    if group is not None:
        wanted = dhparam.group(group)
        return "" if (current.p, current.g) == (wanted.p, wanted.g) else f"the parameters are not {group}"
    if current.bits != bits:
        return f"the parameters have {current.bits} bits"
    problem = dhparam.problem(current)
    return f"the parameters are unsafe: {problem}" if problem else ""


def sieved_search(library: ctypes.CDLL, bits: int, workers: int, timeout: float) -> dhparam.DhParameters:
    """The first safe prime among sieved numbers, which ``workers`` threads test. Raises CommandError.

    A test takes milliseconds; no worker begins another one once there is a find, or no time is left.
    """
    deadline = time.monotonic() + timeout
    # Sieved ahead of the workers, so that they do not wait.
    waiting: queue.Queue[int] = queue.Queue(maxsize=64 * workers)
    finds: queue.Queue[int] = queue.Queue()
    over = threading.Event()

    def work() -> None:
        user = libcrypto.Libcrypto(library)
        while not over.is_set():
            try:
                number = waiting.get(timeout=0.05)
            except queue.Empty:
                continue
            if user.passes_fermat((number - 1) // 2) and user.passes_fermat(number):
                finds.put(number)
        user.close()

    threads = [threading.Thread(target=work, daemon=True) for _unused in range(workers)]
    for thread in threads:
        thread.start()
    try:
        numbers = dhparam.candidates(bits)
        wanted = next(numbers)
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                parameters = dhparam.DhParameters(finds.get_nowait(), 2)
                # A number that passed is judged like any other: nothing goes live unproved.
                if parameters.bits == bits and not dhparam.problem(parameters):
                    return parameters
            with contextlib.suppress(queue.Full):
                waiting.put(wanted, timeout=0.02)
                wanted = next(numbers)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    raise _command.CommandError(
        f"the search for a safe prime of {bits} bits on {workers} cores did not end within {timeout:g} seconds and was"
        " stopped"
    )


def raced_search(openssl: str, bits: int, workers: int, timeout: float) -> dhparam.DhParameters:
    """The first parameters that one of ``workers`` processes of openssl dhparam finds. Raises CommandError."""
    found: list[dhparam.DhParameters] = []

    def usable(result: _command.Result) -> bool:
        try:
            parameters = dhparam.parse(result.stdout.encode(), "openssl dhparam")
        except ValueError:
            return False
        if parameters.bits != bits or dhparam.problem(parameters):
            return False
        found.append(parameters)
        return True

    # LibreSSL dhparam(1): the number of bits comes last. The generator is 2 in every version.
    _command.race([openssl, "dhparam", str(bits)], workers, timeout=timeout, accept=usable)
    return found[0]


def search(bits: int, workers: int, timeout: float) -> dhparam.DhParameters:
    """New parameters of ``bits`` bits. Raises CommandError."""
    library = None if libcrypto is None else libcrypto.load()
    if library is not None:
        return sieved_search(library, bits, workers, timeout)
    openssl = _command.require("openssl", hint="it makes DH parameters; a group needs none")
    return raced_search(openssl, bits, workers, timeout)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "bits": {"type": "int"},
            "group": {"type": "str", "choices": list(dhparam.GROUPS)},
            "workers": {"type": "int"},
            "timeout": {"type": "int", "default": 3600},
            "force": {"type": "bool", "default": False},
            "pending": {"type": "bool", "default": False},
        },
        mutually_exclusive=[("bits", "group")],
        required_one_of=[("bits", "group")],
        supports_check_mode=True,
    )
    _host_lock.keep(module, module.params["timeout"])
    path, bits, group = module.params["path"], module.params["bits"], module.params["group"]
    workers = cores() if module.params["workers"] is None else module.params["workers"]
    low, high = dhparam.MINIMUM_BITS, dhparam.MAXIMUM_BITS
    if bits is not None and (not low <= bits <= high or bits % 8):
        module.fail_json(msg=f"bits is {bits}. Use a multiple of 8 from {low} to {high}. Nothing was changed.")
    if not 1 <= workers <= 256:
        module.fail_json(msg=f"workers is {workers}. Use 1 to 256. Nothing was changed.")
    if module.params["timeout"] < 1:
        module.fail_json(msg=f"timeout is {module.params['timeout']}. Use at least 1 second. Nothing was changed.")
    if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        if module.check_mode and module.params["pending"]:
            module.warn(f"{path}: the directory does not exist yet, so check mode could not look at the file.")
            module.exit_json(changed=True, path=path, reason="the file does not exist")
        module.fail_json(msg=f"{path}: the directory does not exist. Make it first. Nothing was changed.")

    try:
        _files.prepare(path, check=module.check_mode)
        state, current = read_current(path, module.params["force"])
    except ValueError as exc:
        cure = "Use 'force: true' to replace a file that has no DH parameters"
        module.fail_json(msg=f"{exc}. {cure}. Nothing was changed.")
    except _files.FileError as exc:
        module.fail_json(msg=f"{exc}. Nothing was changed.")
    why = reason(current, state is not None, bits, group)
    if not why and module.params["force"] and bits is not None:
        why = "force is true"

    # What will be there, as far as it is known before the search.
    planned = current if not why else (dhparam.group(group) if group is not None else None)
    after = dhparam.describe(planned) if planned is not None else f"{bits} bit DH parameters, generator 2"
    before = (
        None if state is None else (dhparam.describe(current) if current is not None else "no DH parameters") + "\n"
    )
    result = {
        "changed": bool(why),
        "path": path,
        "bits": planned.bits if planned is not None else bits,
        "generator": planned.g if planned is not None else 2,
        "known_group": dhparam.known_group(planned) if planned is not None else "",
        "reason": why,
        "seconds": 0.0,
        "diff": _files.text_diff(path, before, f"{after}\n"),
    }
    if not why or module.check_mode:
        module.exit_json(**result)

    started = time.monotonic()
    try:
        if planned is None:
            planned = search(bits, workers, float(module.params["timeout"]))
            result.update(generator=planned.g, seconds=round(time.monotonic() - started, 3))
        uid, gid, mode = (os.geteuid(), os.getegid(), 0o644) if state is None else (state.uid, state.gid, state.mode)
        _files.write(path, dhparam.render(planned).encode("ascii"), uid=uid, gid=gid, mode=mode)
    except (_command.CommandError, _files.FileError) as exc:
        module.fail_json(msg=f"{path}: no new DH parameters: {exc}. The file is as it was.")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
