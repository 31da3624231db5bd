#!/bin/sh
# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Install PostfixAdmin from Debian's package and make a database with it, through its own upgrade script and command line.
# The package is taken apart by hand: it would bring a web server and a database server, and bullseye has none of it.
#   postfixadmin.sh RELEASE_OF_THE_PACKAGE DATABASE
set -eu
release=$1 database=$2
export DEBIAN_FRONTEND=noninteractive
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
apt-get update -qq
apt-get install -y -qq --no-install-recommends php-cli php-sqlite3 php-mbstring >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
mirror=$(sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | head -n 1)
mkdir -p "$work/lists/partial" "$work/parts" "$work/debs"
# An older release does not know the newer one's key; nothing of it stays beyond this container.
echo "deb [trusted=yes] $mirror $release main" >"$work/sources.list"
cat >"$work/apt.conf" <<END
Dir::Etc::SourceList "$work/sources.list"; Dir::Etc::SourceParts "$work/parts"; Dir::State::Lists "$work/lists";
Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache ""; Acquire::Check-Valid-Until "false"; APT::Sandbox::User "root";
END
apt() { APT_CONFIG="$work/apt.conf" apt-get -qq "$@"; }
apt_cache() { APT_CONFIG="$work/apt.conf" apt-cache "$@"; }
apt update
# The PHP libraries of PostfixAdmin 4; 3 has none.
libraries=$(apt_cache depends postfixadmin \
    | sed -n 's/^ *Depends: \(php-\(bacon\|psr\|symfony\|random\|paragonie\|spomky\|constant\)[a-z0-9-]*\)$/\1/p' | sort -u)
(cd "$work/debs" && apt download postfixadmin smarty4 ${libraries:+$libraries php-dasprid-enum})
for package in "$work"/debs/*.deb; do
    dpkg-deb -x "$package" /
done
mkdir -p /var/cache/postfixadmin/templates_c
cat >/etc/postfixadmin/dbconfig.inc.php <<END
<?php
\$dbuser = ''; \$dbpass = ''; \$basepath = ''; \$dbserver = ''; \$dbport = '';
\$dbname = '$database'; \$dbtype = 'sqlite';
END
cat >/etc/postfixadmin/config.local.php <<END
<?php
\$CONF['configured'] = true;
\$CONF['database_type'] = 'sqlite';
\$CONF['database_name'] = '$database';
\$CONF['encrypt'] = 'php_crypt:BLOWFISH';
\$CONF['smtp_server'] = '127.0.0.1';
\$CONF['emailcheck_resolve_domain'] = 'NO';
\$CONF['default_aliases'] = array();
\$CONF['quota'] = 'NO';
\$CONF['domain_quota'] = 'NO';
\$CONF['alias_domain'] = 'YES';
\$CONF['backup'] = 'YES';
\$CONF['mailbox_postcreation_script'] = '';
\$CONF['sendmail'] = 'NO';
END
install -d -o www-data -g www-data "$(dirname "$database")"
install -o www-data -g www-data -m 0640 /dev/null "$database"
cd /usr/share/postfixadmin/public
setpriv --reuid www-data --regid www-data --clear-groups php upgrade.php >"$work/upgrade" 2>&1 || { cat "$work/upgrade"; exit 1; }
