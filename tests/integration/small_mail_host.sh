#!/bin/sh
# SPDX-FileCopyrightText: 2026 The puffy.mail developers
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes a container of a *-mail image a small mail host by hand, as something for smtp_probe to look at: a private
# CA, Dovecot for SASL, LMTP and IMAPS, Postfix on 25, 587 and 465. Accounts: alice and bob at example.test.
set -eu
umask 022

# The init of the image starts both, and what is not up yet would come up in the middle of this.
until pgrep -x dovecot >/dev/null && pgrep -x master >/dev/null && ! pgrep -f '[i]nit.d/rc 2' >/dev/null; do
    sleep 0.1
done
doveadm stop
postfix stop

mkdir -p /etc/probe
cd /etc/probe
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 \
    -subj "/CN=Probe test CA" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr \
    -subj "/CN=mail.example.test" 2>/dev/null
printf '%s\n' 'subjectAltName=DNS:mail.example.test' 'basicConstraints=CA:false' 'extendedKeyUsage=serverAuth' \
    'authorityKeyIdentifier=keyid' >extensions
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 20 -extfile extensions \
    -out server.pem 2>/dev/null

useradd -r -d /var/vmail -s /usr/sbin/nologin vmail
install -d -o vmail -g vmail /var/vmail
printf '%s\n' 'alice@example.test:{PLAIN}alice-secret' 'bob@example.test:{PLAIN}bob-secret' >/etc/dovecot/users
chgrp dovecot /etc/dovecot/users
chmod 640 /etc/dovecot/users

case $(dovecot --version) in
2.3*)
    cat <<'END'
ssl_cert = </etc/probe/server.pem
ssl_key = </etc/probe/server.key
ssl_min_protocol = TLSv1.2
mail_location = maildir:/var/vmail/%u
passdb {
  driver = passwd-file
  args = /etc/dovecot/users
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=/var/vmail/%u
}
END
    ;;
*)
    cat <<'END'
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
ssl_server_cert_file = /etc/probe/server.pem
ssl_server_key_file = /etc/probe/server.key
mail_driver = maildir
mail_path = /var/vmail/%{user}
passdb passwd-file {
  passwd_file_path = /etc/dovecot/users
}
userdb static {
  fields {
    uid = vmail
    gid = vmail
    home = /var/vmail/%{user}
  }
}
END
    ;;
esac >/etc/dovecot/dovecot.conf
cat >>/etc/dovecot/dovecot.conf <<'END'
protocols = imap lmtp
listen = *
ssl = required
auth_mechanisms = plain login
log_path = syslog
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    mode = 0600
    user = postfix
  }
}
END

cd /etc/postfix
printf '%s\n' 'alice@example.test alice' 'bob@example.test bob' >mailboxes
printf '%s\n' 'sales@example.test bob@example.test' >aliases.virtual
printf '%s\n' 'alice@example.test alice@example.test' 'bob@example.test bob@example.test' >senders
postconf -e compatibility_level=2 disable_vrfy_command=yes myhostname=mail.example.test mydestination=localhost inet_interfaces=all \
    inet_protocols=ipv4 mynetworks=127.0.0.2/32 recipient_delimiter=+ alias_maps= alias_database= biff=no \
    virtual_mailbox_domains=example.test virtual_mailbox_maps=texthash:/etc/postfix/mailboxes \
    virtual_alias_maps=texthash:/etc/postfix/aliases.virtual virtual_transport=lmtp:unix:private/dovecot-lmtp \
    smtpd_sender_login_maps=texthash:/etc/postfix/senders \
    smtp_tls_session_cache_database= smtpd_tls_session_cache_database= \
    smtpd_tls_security_level=may smtpd_tls_cert_file=/etc/probe/server.pem smtpd_tls_key_file=/etc/probe/server.key \
    smtpd_tls_loglevel=1 'smtpd_tls_protocols=!SSLv2, !SSLv3, !TLSv1, !TLSv1.1' \
    'smtpd_tls_mandatory_protocols=!SSLv2, !SSLv3, !TLSv1, !TLSv1.1' \
    smtpd_sasl_type=dovecot smtpd_sasl_path=private/auth smtpd_relay_restrictions=reject_unauth_destination
for service in submission submissions; do
    postconf -M "$service/inet=$service inet n - y - - smtpd"
    postconf -P "$service/inet/syslog_name=postfix/$service" "$service/inet/smtpd_sasl_auth_enable=yes" \
        "$service/inet/smtpd_tls_auth_only=yes" "$service/inet/smtpd_sender_restrictions=reject_sender_login_mismatch" \
        "$service/inet/smtpd_relay_restrictions=permit_sasl_authenticated,reject"
done
postconf -P submission/inet/smtpd_tls_security_level=encrypt submissions/inet/smtpd_tls_wrappermode=yes
: >/var/log/mail.log
dovecot
postfix start
