# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""dhparam against OpenSSL 1.1.1 and 3.5: what it writes, what it takes, what it refuses and what it leaves behind."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from ansible_collections.puffy.mail.tests.harness.containers import Host

pytestmark = pytest.mark.containers
#: What does not depend on the release is shown on one of them; on all in the long run.
ONE_RELEASE = pytest.mark.parametrize(
    "release",
    ["trixie", *(pytest.param(name, marks=pytest.mark.long) for name in ("bullseye", "forky"))],
    indirect=True,
    scope="module",
)

PATH = "/etc/ssl/dhparam.pem"
#: A prime of 512 bits that is safe, made with openssl dhparam 512: the file is well formed and too small.
SMALL = """-----BEGIN DH PARAMETERS-----
MEYCQQDKW32ToW74oF/kVgBS52qsQ5orIfo6AK2HI+48RM3Ze1lJtoJFTYV5wdjz
WCGfyz2CgbLfBCGpLxe6QSe/tiJHAgEC
-----END DH PARAMETERS-----
"""


def openssl_bits(host: Host) -> str:
    """What openssl itself says of the file."""
    return host.run(
        f"openssl dhparam -in {PATH} -noout -text | sed -n 's/.*Parameters: (\\(.*\\))/\\1/p'"
    ).stdout.strip()


def leftovers(host: Host) -> str:
    """Searches that still run, and files that were not taken away."""
    return host.run("pgrep -x openssl || true; ls -A /etc/ssl | grep -F .new || true").stdout


def test_a_group_is_written_and_openssl_knows_it(host: Host) -> None:
    host.run(f"rm -f {PATH}")
    result = host.four_runs("dhparam", {"path": PATH, "group": "ffdhe4096"})
    assert result["known_group"] == "ffdhe4096"
    assert openssl_bits(host) == "4096 bit"
    assert host.run(f"stat -c %a {PATH}").stdout.strip() == "644"


@ONE_RELEASE
def test_the_groups_are_those_openssl_has_built_in(host: Host, release: str) -> None:
    if release == "bullseye":
        pytest.skip("OpenSSL 1.1.1 cannot print its groups")
    for name in ("ffdhe2048", "ffdhe8192"):
        host.run(f"rm -f {PATH}")
        assert host.module("dhparam", {"path": PATH, "group": name})["changed"]
        built_in = host.run(f"openssl genpkey -genparam -algorithm DH -pkeyopt group:{name} | openssl asn1parse").stdout
        # Ours also say how long a private value must be at least.
        ours = host.run(f"openssl asn1parse -in {PATH}").stdout
        numbers = [line.rpartition(":")[2] for line in built_in.splitlines() if "INTEGER" in line]
        assert numbers == [line.rpartition(":")[2] for line in ours.splitlines() if "INTEGER" in line][: len(numbers)]
        assert len(numbers) >= 2


@pytest.mark.long
def test_a_search_replaces_what_is_too_small_and_keeps_owner_and_mode(host: Host) -> None:
    host.write(PATH, SMALL)
    host.run(f"chown daemon {PATH}; chmod 640 {PATH}")
    predicted = host.module("dhparam", {"path": PATH, "bits": 2048}, check=True)
    assert predicted["changed"]
    assert host.read(PATH) == SMALL
    # A search has no bound, and a busy machine gives it little: this is about what it leaves behind.
    result = host.module("dhparam", {"path": PATH, "bits": 2048, "timeout": 1800}, timeout=1900)
    assert result["changed"], result
    assert result["diff"] == predicted["diff"]
    assert openssl_bits(host) == "2048 bit"
    checked = host.run(f"openssl dhparam -check -noout -in {PATH} 2>&1").stdout
    assert "DH parameters appear to be ok" in checked
    assert host.run(f"stat -c '%U %a' {PATH}").stdout.strip() == "daemon 640"
    assert not host.module("dhparam", {"path": PATH, "bits": 2048})["changed"]
    assert leftovers(host) == ""


@ONE_RELEASE
def test_time_that_runs_out_ends_every_search_and_keeps_the_file(host: Host) -> None:
    host.write(PATH, SMALL)
    result = host.module("dhparam", {"path": PATH, "bits": 8192, "timeout": 1, "workers": 3})
    assert result["failed"]
    assert result["msg"].endswith("did not end within 1 seconds and was stopped. The file is as it was.")
    assert host.read(PATH) == SMALL
    assert leftovers(host) == ""


@contextlib.contextmanager
def without_ctypes(host: Host) -> Iterator[None]:
    """A host whose Python cannot reach the cryptographic library, so that openssl(1) does the search."""
    found = host.run("ls /usr/lib/python3*/lib-dynload/_ctypes.*.so").stdout.split()
    for path in found:
        host.run(f"mv {path} {path}.away")
    try:
        yield
    finally:
        for path in found:
            host.run(f"mv {path}.away {path}")


@ONE_RELEASE
@pytest.mark.parametrize("with_openssl", [False, True], ids=["library", "openssl"])
def test_a_signal_ends_every_search(host: Host, with_openssl: bool) -> None:
    with without_ctypes(host) if with_openssl else contextlib.nullcontext():
        signal_a_search(host, "pgrep -x openssl" if with_openssl else "pgrep -f 'puffy.mail.plugins.modules.dhparam'")


def signal_a_search(host: Host, running: str) -> None:
    host.write(PATH, SMALL)
    script = (
        'cd / && echo \'{"path": "/etc/ssl/dhparam.pem", "bits": 8192}\' > /tmp/request;'
        "PYTHONPATH=/opt/puffy PYTHONDONTWRITEBYTECODE=1 python3 -c 'import json, runpy;"
        "from ansible.module_utils.testing import patch_module_args\n"
        'with patch_module_args(json.load(open("/tmp/request"))):\n'
        ' runpy.run_module("ansible_collections.puffy.mail.plugins.modules.dhparam", run_name="__main__",'
        " alter_sys=True)' & module=$!;"
        f" until {running} >/dev/null; do sleep 0.1; done; sleep 1;"
        f" {running} >/dev/null || exit 9; kill -TERM $module; wait $module; echo ended $?"
    )
    assert host.run(["bash", "-c", script]).stdout.strip().endswith("ended 143")
    assert host.read(PATH) == SMALL
    assert leftovers(host) == ""


@ONE_RELEASE
@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        ("echo junk > {0}", "/etc/ssl/dhparam.pem: has no DH parameters; '-----BEGIN DH PARAMETERS-----' is expected"),
        (
            "head -c 100 {0}.good > {0}",
            "/etc/ssl/dhparam.pem: a PEM block begins and does not end; the file is truncated",
        ),
        ("rm -f {0}; mkdir {0}", "/etc/ssl/dhparam.pem: is not a regular file"),
        ("ln -sfn dhparam.pem {0}", "/etc/ssl/dhparam.pem: cannot be used: Too many levels of symbolic links"),
    ],
)
def test_what_is_no_parameters_is_left_alone(host: Host, prepare: str, message: str) -> None:
    host.run(f"rm -rf {PATH}")
    host.write(f"{PATH}.good", SMALL)
    host.run(prepare.format(PATH))
    result = host.module("dhparam", {"path": PATH, "group": "ffdhe2048"})
    assert result["failed"]
    assert result["msg"].startswith(message)
    assert host.run(f"test ! -f {PATH} || test $(wc -c < {PATH}) -le 100", check=False).returncode == 0
    host.run(f"rm -rf {PATH} {PATH}.good")


@ONE_RELEASE
def test_an_openssl_that_is_missing_crashes_or_hangs_is_named(host: Host) -> None:
    host.write(PATH, SMALL)
    host.run("mv /usr/bin/openssl /usr/bin/openssl.away")
    try:
        with without_ctypes(host):
            missing = host.module("dhparam", {"path": PATH, "bits": 2048})
            host.write("/usr/local/bin/openssl", "#!/bin/sh\necho 'it broke' >&2\nexit 3\n")
            host.run("chmod 755 /usr/local/bin/openssl")
            crashed = host.module("dhparam", {"path": PATH, "bits": 2048})
            host.write("/usr/local/bin/openssl", "#!/bin/sh\nexec sleep 1000\n")
            hung = host.module("dhparam", {"path": PATH, "bits": 2048, "timeout": 1})
    finally:
        host.run("rm -f /usr/local/bin/openssl; mv /usr/bin/openssl.away /usr/bin/openssl")
    assert "the command 'openssl' was not found in" in missing["msg"]
    assert "openssl dhparam 2048 failed with exit status 3: it broke. The file is as it was." in crashed["msg"]
    assert hung["msg"].endswith("did not end within 1 seconds and was stopped. The file is as it was.")
    assert host.run("pgrep -x sleep || true").stdout == ""
    assert host.read(PATH) == SMALL
