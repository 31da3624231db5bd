#!/bin/sh
# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Domains, mailboxes and aliases of every kind, through PostfixAdmin's own command line.
set -eu
cd /usr/share/postfixadmin/scripts
admin() {
    said=$(setpriv --reuid www-data --regid www-data --clear-groups php postfixadmin-cli.php "$@" 2>&1) || :
    case $said in
        *"has been added"* | *"has been created"* | *"has been updated"*) ;;
        *) echo "postfixadmin-cli $*: $said" && exit 1 ;;
    esac
}
for domain in given.test catch.test twin.test off.test; do
    admin domain add "$domain" --description "$domain" --aliases 0 --mailboxes 0 --active 1 --default-aliases 0
done
admin domain add mx.test --description mx --aliases 0 --mailboxes 0 --backupmx 1 --active 1 --default-aliases 0
for mailbox in alice@given.test "o'brien@given.test" gone@given.test eve@catch.test dan@off.test; do
    admin mailbox add "$mailbox" --password Correct-Horse-12 --password2 Correct-Horse-12 --name "${mailbox%@*}" --active 1 \
        --welcome-mail 0
done
admin alias add sales@given.test --goto "alice@given.test,o'brien@given.test" --active 1
admin alias add old@given.test --goto alice@given.test --active 0
admin alias add @catch.test --goto alice@given.test --active 1
admin aliasdomain add twin.test --target-domain given.test --active 1
admin mailbox update gone@given.test --active 0
admin domain update off.test --active 0
