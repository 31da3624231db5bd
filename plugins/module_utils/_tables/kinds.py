# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of lookup tables that lie in files (DATABASE_README)."""

from __future__ import annotations

#: indexed types whose index is one file, so that a new one can take its place in one step: what its name ends with
BUILT_SUFFIX = {"hash": ".db", "btree": ".db", "lmdb": ".lmdb", "cdb": ".cdb"}
#: all indexed types; dbm and sdbm have a second file beside this one
INDEX_SUFFIX = {**BUILT_SUFFIX, "dbm": ".pag", "sdbm": ".pag"}
#: types that are read as text
TEXT_TYPES = ("texthash", "cidr", "pcre", "regexp")
#: types that postmap(1) makes or reads, and whose lines are ``key value``
KEYED_TYPES = (*BUILT_SUFFIX, "texthash")
