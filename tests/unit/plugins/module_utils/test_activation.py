# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both daemons share: what stands for a file, the plan, the record and where it is kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.puffy.mail.plugins.module_utils import _activation as activation
from ansible_collections.puffy.mail.plugins.module_utils import _files


def test_fingerprints(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("x")
    one = activation.fingerprints([str(file), str(tmp_path / "no"), str(tmp_path)], [])
    assert one[str(file)].startswith("sha256:")
    assert one[str(tmp_path / "no")] == "(ENOENT)"
    assert one[str(tmp_path)] == "(no regular file)"
    file.write_text("y")
    assert activation.fingerprint(str(file)) != one[str(file)]
    assert activation.fingerprints([str(file)], ["", f"{tmp_path}/"]) == {}


# -- the record


RECORD = activation.Record(
    "Postfix",
    "/etc/postfix",
    {"timeout": 3.0},
    {"/etc/postfix/main.cf": activation.Kept("a = \udce9\n", 5, 0, 0, 0o644)},
    {"/k": "sha256:1"},
    {"/d": activation.Identity(1, 2, 3, 0, 0, 0o640), "/gone": None},
    {"inet_protocols": "all"},
    "3.11.1",
    7,
)


def test_the_record_survives_a_round_trip() -> None:
    assert activation.decode(activation.encode(RECORD)) == RECORD


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a record of an activated configuration: Expecting value: line 1 column 1 (char 0)"),
        ("[]", "is not a record of an activated configuration: "),
        ('{"format": 1}', "is not a record of an activated configuration: its format is not 2"),
        ('{"format": 2}', "is not a record of an activated configuration: 'kept'"),
        ('{"format": 2, "kept": {}, "databases": {}}', "is not a record of an activated configuration: "),
    ],
)
def test_what_is_no_record(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared
        activation.decode(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("/etc/postfix", "etc-postfix"),
        ("/etc/postfix/", "etc-postfix"),
        ("/etc/post-fix", "etc-post%2Dfix"),
        ("/etc/a b", "etc-a%20b"),
        ("/..x", "..x"),
        ("/", "-"),
    ],
)
def test_each_directory_has_a_name_of_its_own(directory: str, name: str) -> None:
    assert activation.name_of(directory) == name


# -- the place of a record


@pytest.fixture
def place(tmp_path: Path) -> activation.Place:
    return activation.Place(str(tmp_path / "a" / "state"), "/etc/postfix")


def test_the_place_is_made_private(place: activation.Place, tmp_path: Path) -> None:
    directory = tmp_path / "a" / "state" / "etc-postfix"
    assert place.read("Postfix") is None
    for mode in (0o700, 0o755):
        with place.locked():
            place.begin("reload")
            assert place.begun() == "reload"
            place.write(RECORD)
            assert (place.read("Postfix"), place.begun()) == (RECORD, "")
        assert {path.stat().st_mode & 0o777 for path in (directory, directory.parent)} == {0o700}
        assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
        directory.chmod(mode)


def test_what_a_killed_run_left_is_removed(place: activation.Place) -> None:
    place.make()
    left = Path(place.directory, ".active.json.0123456789abcdef.new")
    left.touch()
    with place.locked():
        assert not left.exists()


def test_a_damaged_record_is_named(place: activation.Place) -> None:
    place.make()
    Path(place.record).write_text("{")
    with pytest.raises(_files.FileError, match="remove it, and the next run reloads Postfix once; neither"):
        place.read("Postfix")


def world_writable(path: Path) -> Path:
    path.parent.parent.chmod(0o777)
    return path.parent.parent


def of_somebody(path: Path) -> Path:
    os.chown(path.parent.parent, 12345, 0)
    return path.parent.parent


def the_place_of_somebody(path: Path) -> Path:
    os.chown(path, 12345, 0)
    return path


def group_writable(path: Path) -> Path:
    path.parent.chmod(0o720)
    return path.parent


def a_link(path: Path) -> Path:
    path.rmdir()
    path.symlink_to("/etc")
    return path


def a_linked_record(path: Path) -> Path:
    (path / "active.json").symlink_to("/etc/passwd")
    return path / "active.json"


def a_foreign_record(path: Path) -> Path:
    (path / "active.json").touch()
    os.chown(path / "active.json", 12345, 0)
    return path / "active.json"


def a_foreign_link_above(path: Path) -> Path:
    above = path.parent.parent
    above.rename(above.with_name("real"))
    above.symlink_to("real")
    os.chown(above, 12345, 0, follow_symlinks=False)
    return above


def a_loop(path: Path) -> Path:
    above = path.parent.parent
    above.rename(above.with_name("real"))
    above.symlink_to(above)
    return above


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another account")
@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (world_writable, "can be written by other accounts (mode 0777)"),
        (group_writable, "can be written by other accounts (mode 0720)"),
        (of_somebody, "belongs to the account with the number 12345"),
        (the_place_of_somebody, "is a link or belongs to the account with the number 12345"),
        (a_link, "is a symbolic link"),
        (a_linked_record, "is a link or belongs to the account with the number 0"),
        (a_foreign_record, "is a link or belongs to the account with the number 12345"),
        (a_foreign_link_above, "is a symbolic link of another account"),
        (a_loop, "Too many levels of symbolic links"),
    ],
)
def test_a_place_that_another_account_may_change_is_refused(
    place: activation.Place, harm: Callable[[Path], Path], why: str
) -> None:
    place.make()
    named = harm(Path(place.directory))
    for attempt in (place.check, place.make):
        with pytest.raises(_files.FileError) as caught:
            attempt()
        assert str(caught.value).startswith(str(named)), caught.value
        assert why in str(caught.value)
        assert str(caught.value).endswith("Nothing was changed.")


def test_a_link_that_root_made_above_is_followed(place: activation.Place, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "a").symlink_to("../" + tmp_path.name + "/./real")
    place.make()
    assert (tmp_path / "real" / "state" / "etc-postfix").is_dir()


@pytest.mark.parametrize("name", ["file", "directory"])
def test_a_directory_that_is_used_for_something_else_is_left_as_it_is(
    place: activation.Place, tmp_path: Path, name: str
) -> None:
    state = tmp_path / "a" / "state"
    foreign = state / name
    if name == "file":
        state.mkdir(parents=True)
        foreign.touch()
    else:
        foreign.mkdir(parents=True)
        (foreign / "something").touch()
    state.chmod(0o755)
    with pytest.raises(_files.FileError) as caught:
        place.make()
    assert str(caught.value) == (
        f"'{state}' holds other files than the records of activations, such as '{foreign}'. Nothing was changed. Name a"
        " state_directory of its own."
    )
    assert state.stat().st_mode & 0o777 == 0o755
