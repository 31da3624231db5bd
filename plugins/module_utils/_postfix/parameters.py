# Copyright (c) 2026, The puffy.mail developers
# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of Postfix and what its programs do with them. Written by tools/postfix_parameters.py.

Read from Postfix 3.5, 3.10, 3.11. ``name@3.10`` is new in a release after the one before it in that list
and not after 3.10; ``name~3.10`` is gone in 3.10.
"""

from __future__ import annotations

VERSIONS = ("3.5", "3.10", "3.11")

#: value type -> names
NAMES: dict[str, str] = {
    "boolean": """
        address_verify_negative_cache allow_min_user allow_percent_hack allow_srv_lookup_fallback@3.10
        allow_untrusted_routing always_add_missing_headers append_at_myorigin append_dot_mydomain
        backwards_bounce_logfile_compatibility biff broken_sasl_auth_clients cleanup_replace_stray_cr_lf
        confirm_delay_cleared daemon_table_open_error_is_fatal destination_concurrency_feedback_debug
        detect_8bit_encoding_header disable_dns_lookups disable_mime_input_processing
        disable_mime_output_conversion disable_verp_bounces disable_vrfy_command dns_ncache_ttl_fix_enable
        enable_idna2003_compatibility enable_long_queue_ids enable_original_recipient
        enable_threaded_bounces@3.10 expand_owner_alias force_mime_input_conversion@3.10 frozen_delivered_to
        helpful_warnings ignore_mx_lookup_error ignore_srv_lookup_error@3.10 lmtp_assume_final
        lmtp_balance_inet_protocols lmtp_bind_address_enforce@3.10 lmtp_cname_overrides_servername
        lmtp_connection_cache_on_demand lmtp_defer_if_no_mx_address_found lmtp_enforce_tls
        lmtp_log_tls_feature_status@3.11 lmtp_per_record_deadline~3.10 lmtp_per_request_deadline@3.10
        lmtp_quote_rfc821_envelope lmtp_randomize_addresses lmtp_sasl_auth_enable lmtp_sasl_auth_soft_bounce
        lmtp_send_dummy_mail_auth lmtp_send_xforward_command lmtp_sender_dependent_authentication
        lmtp_skip_5xx_greeting lmtp_skip_quit_response lmtp_tls_block_early_mail_reply lmtp_tls_connection_reuse
        lmtp_tls_enable_rpk@3.10 lmtp_tls_enforce_peername lmtp_tls_enforce_sts_mx_patterns@3.10
        lmtp_tls_force_insecure_host_tlsa_lookup lmtp_tls_note_starttls_offer lmtp_tls_wrappermode
        lmtp_tlsrpt_enable@3.10 lmtp_tlsrpt_skip_reused_handshakes@3.10 lmtp_use_tls multi_instance_enable
        non_bdb_migration_log_redirect@3.11 owner_request_special postscreen_bare_newline_enable
        postscreen_disable_vrfy_command postscreen_enforce_tls postscreen_helo_required
        postscreen_non_smtp_command_enable postscreen_pipelining_enable postscreen_use_tls
        qmqpd_client_port_logging relocated_prefix_enable@3.11 require_home_directory requiretls_enable@3.11
        requiretls_esmtp_header@3.11 requiretls_redact_dsn@3.11 reset_owner_alias resolve_dequoted_address
        resolve_null_domain resolve_numeric_domain respectful_logging@3.10 send_cyrus_sasl_authzid
        show_user_unknown_table_name smtp_always_send_ehlo smtp_balance_inet_protocols
        smtp_bind_address_enforce@3.10 smtp_cname_overrides_servername smtp_connection_cache_on_demand
        smtp_defer_if_no_mx_address_found smtp_enforce_tls smtp_log_tls_feature_status@3.11 smtp_never_send_ehlo
        smtp_per_record_deadline~3.10 smtp_per_request_deadline@3.10 smtp_quote_rfc821_envelope
        smtp_randomize_addresses smtp_sasl_auth_enable smtp_sasl_auth_soft_bounce smtp_send_dummy_mail_auth
        smtp_send_xforward_command smtp_sender_dependent_authentication smtp_skip_5xx_greeting
        smtp_skip_quit_response smtp_tls_block_early_mail_reply smtp_tls_connection_reuse
        smtp_tls_enable_rpk@3.10 smtp_tls_enforce_peername smtp_tls_enforce_sts_mx_patterns@3.10
        smtp_tls_force_insecure_host_tlsa_lookup smtp_tls_note_starttls_offer smtp_tls_wrappermode
        smtp_tlsrpt_enable@3.10 smtp_tlsrpt_skip_reused_handshakes@3.10 smtp_use_tls smtpd_client_port_logging
        smtpd_delay_open_until_valid_rcpt smtpd_delay_reject smtpd_enforce_tls smtpd_forbid_unauth_pipelining
        smtpd_helo_required smtpd_hide_client_session@3.10 smtpd_peername_lookup smtpd_per_record_deadline~3.10
        smtpd_per_request_deadline@3.10 smtpd_reject_unlisted_recipient smtpd_reject_unlisted_sender
        smtpd_relay_before_recipient_restrictions@3.10 smtpd_sasl_auth_enable smtpd_sasl_authenticated_header
        smtpd_tls_always_issue_session_ids smtpd_tls_ask_ccert smtpd_tls_auth_only smtpd_tls_enable_rpk@3.10
        smtpd_tls_received_header smtpd_tls_req_ccert smtpd_tls_wrappermode smtpd_use_tls smtputf8_enable
        soft_bounce strict_7bit_headers strict_8bitmime strict_8bitmime_body strict_mailbox_ownership
        strict_mime_encoding_domain strict_rfc821_envelopes strict_smtputf8 sun_mailtool_compatibility
        swap_bangpath tls_append_default_CA tls_fast_shutdown_enable tls_legacy_public_key_fingerprints~3.11
        tls_preempt_cipherlist tls_required_enable@3.10 tls_wildcard_matches_multiple_labels
        tlsproxy_client_enforce_tls tlsproxy_client_use_tls tlsproxy_enforce_tls
        tlsproxy_tls_always_issue_session_ids tlsproxy_tls_ask_ccert tlsproxy_tls_enable_rpk@3.10
        tlsproxy_tls_req_ccert tlsproxy_use_tls
    """,
    "ca_file": "lmtp_tls_CAfile smtp_tls_CAfile smtpd_tls_CAfile tlsproxy_client_CAfile tlsproxy_tls_CAfile",
    "ca_files": "lmtp_tls_trust_anchor_file smtp_tls_trust_anchor_file",
    "cache": """
        address_verify_map lmtp_sasl_auth_cache_name lmtp_tls_session_cache_database postscreen_cache_map
        smtp_sasl_auth_cache_name smtp_tls_session_cache_database smtpd_tls_session_cache_database
    """,
    "certificate": """
        lmtp_tls_cert_file lmtp_tls_dcert_file lmtp_tls_eccert_file smtp_tls_cert_file smtp_tls_dcert_file
        smtp_tls_eccert_file smtpd_tls_cert_file smtpd_tls_dcert_file smtpd_tls_eccert_file
        tlsproxy_client_cert_file tlsproxy_client_dcert_file tlsproxy_client_eccert_file tlsproxy_tls_cert_file
        tlsproxy_tls_dcert_file tlsproxy_tls_eccert_file
    """,
    "chain_files": """
        lmtp_tls_chain_files smtp_tls_chain_files smtpd_tls_chain_files tlsproxy_client_chain_files
        tlsproxy_tls_chain_files
    """,
    "compatibility_level": "compatibility_level",
    "dh_file": """
        smtpd_tls_dh1024_param_file smtpd_tls_dh512_param_file tlsproxy_tls_dh1024_param_file
        tlsproxy_tls_dh512_param_file
    """,
    "directory": """
        command_directory command_execution_directory config_directory daemon_directory data_directory
        html_directory lmtp_tls_CApath mail_spool_directory manpage_directory meta_directory
        process_id_directory queue_directory readme_directory sample_directory shlib_directory smtp_tls_CApath
        smtpd_tls_CApath tlsproxy_client_CApath tlsproxy_tls_CApath
    """,
    "enumeration": """
        header_from_format info_log_address_format lmtp_address_preference lmtp_address_verify_target
        lmtp_dns_support_level lmtp_tls_ciphers lmtp_tls_mandatory_ciphers lmtp_tls_security_level
        milter_default_action mynetworks_style non_bdb_migration_level@3.11 non_empty_end_of_header_action@3.11
        postscreen_bare_newline_action postscreen_blacklist_action~3.10 postscreen_denylist_action@3.10
        postscreen_dnsbl_action postscreen_greet_action postscreen_non_smtp_command_action
        postscreen_pipelining_action postscreen_tls_security_level postscreen_upstream_proxy_protocol
        reject_tempfail_action sendmail_fix_line_endings smtp_address_preference smtp_address_verify_target
        smtp_dns_support_level smtp_tls_ciphers smtp_tls_dane_insecure_mx_policy smtp_tls_mandatory_ciphers
        smtp_tls_security_level smtpd_forbid_bare_newline smtpd_tls_ciphers smtpd_tls_eecdh_grade
        smtpd_tls_mandatory_ciphers smtpd_tls_security_level smtpd_upstream_proxy_protocol syslog_facility
        tlsproxy_client_level~3.10 tlsproxy_client_security_level@3.10 tlsproxy_tls_ciphers
        tlsproxy_tls_eecdh_grade tlsproxy_tls_mandatory_ciphers tlsproxy_tls_security_level
        unknown_address_tempfail_action unknown_helo_hostname_tempfail_action
        unverified_recipient_tempfail_action unverified_sender_tempfail_action
    """,
    "enumeration_list": """
        allow_mail_to_commands allow_mail_to_files canonical_classes hash_queue_names inet_protocols
        internal_mail_filter_classes lmtp_discard_lhlo_keywords lmtp_dns_resolver_options lmtp_host_lookup
        lmtp_pix_workarounds lmtp_sasl_security_options lmtp_sasl_tls_security_options
        lmtp_sasl_tls_verified_security_options lmtp_tls_loglevel mailbox_delivery_lock masquerade_classes
        notify_classes parent_domain_matches_subdomains postscreen_discard_ehlo_keywords
        prepend_delivered_header propagate_unmatched_extensions receive_override_options
        recipient_canonical_classes sender_canonical_classes smtp_discard_ehlo_keywords
        smtp_dns_resolver_options smtp_host_lookup smtp_pix_workarounds smtp_sasl_security_options
        smtp_sasl_tls_security_options smtp_sasl_tls_verified_security_options smtp_tls_loglevel
        smtpd_discard_ehlo_keywords smtpd_proxy_options smtpd_sasl_security_options
        smtpd_sasl_tls_security_options smtpd_tls_loglevel smtputf8_autodetect_classes tls_disable_workarounds
        tls_ssl_options tlsproxy_client_loglevel tlsproxy_tls_loglevel virtual_mailbox_lock
    """,
    "integer": """
        access_map_defer_code access_map_reject_code address_verify_pending_request_limit
        address_verify_poll_count berkeley_db_create_buffer_size berkeley_db_read_buffer_size
        body_checks_size_limit bounce_size_limit debug_peer_level default_delivery_slot_cost
        default_delivery_slot_discount default_delivery_slot_loan
        default_destination_concurrency_failed_cohort_limit default_destination_concurrency_limit
        default_destination_recipient_limit default_extra_recipient_limit default_minimum_delivery_slots
        default_process_limit default_recipient_limit default_recipient_refill_limit defer_code
        delay_logging_resolution_limit deliver_lock_attempts dont_remove duplicate_filter_limit
        fault_injection_code fork_attempts hash_queue_depth header_address_token_limit header_size_limit
        hopcount_limit initial_destination_concurrency invalid_hostname_reject_code line_length_limit
        lmdb_map_size lmtp_connection_reuse_count_limit lmtp_line_length_limit lmtp_min_data_rate@3.10
        lmtp_mx_address_limit lmtp_mx_session_limit lmtp_tls_scert_verifydepth
        local_destination_concurrency_limit local_destination_recipient_limit mailbox_size_limit
        maps_rbl_reject_code max_use message_size_limit mime_boundary_length_limit mime_nesting_limit
        multi_recipient_bounce_reject_code non_fqdn_reject_code plaintext_reject_code
        postscreen_client_connection_count_limit postscreen_command_count_limit
        postscreen_dnsbl_allowlist_threshold@3.10 postscreen_dnsbl_threshold
        postscreen_dnsbl_whitelist_threshold~3.10 postscreen_post_queue_limit postscreen_pre_queue_limit
        process_id qmgr_fudge_factor qmgr_message_active_limit qmgr_message_recipient_limit
        qmgr_message_recipient_minimum queue_file_attribute_count_limit queue_minfree reject_code
        relay_domains_reject_code smtp_connection_reuse_count_limit smtp_line_length_limit
        smtp_min_data_rate@3.10 smtp_mx_address_limit smtp_mx_session_limit smtp_tls_scert_verifydepth
        smtpd_client_auth_rate_limit smtpd_client_connection_count_limit smtpd_client_connection_rate_limit
        smtpd_client_ipv4_prefix_length@3.10 smtpd_client_ipv6_prefix_length@3.10
        smtpd_client_message_rate_limit smtpd_client_new_tls_session_rate_limit
        smtpd_client_recipient_rate_limit smtpd_forbid_bare_newline_reject_code smtpd_hard_error_limit
        smtpd_history_flush_threshold smtpd_junk_command_limit smtpd_min_data_rate@3.10
        smtpd_policy_service_request_limit smtpd_policy_service_try_limit smtpd_recipient_limit
        smtpd_recipient_overshoot_limit smtpd_sasl_response_limit smtpd_soft_error_limit
        smtpd_tls_ccert_verifydepth socketmap_max_reply_size@3.10 tcp_windowsize tls_daemon_random_bytes
        tls_random_bytes tlsproxy_client_scert_verifydepth tlsproxy_tls_ccert_verifydepth
        unknown_address_reject_code unknown_client_reject_code unknown_hostname_reject_code
        unknown_local_recipient_reject_code unknown_relay_recipient_reject_code
        unknown_virtual_alias_reject_code unknown_virtual_mailbox_reject_code unverified_recipient_defer_code
        unverified_recipient_reject_code unverified_sender_defer_code unverified_sender_reject_code
        virtual_alias_address_length_limit virtual_alias_expansion_limit virtual_alias_recursion_limit
        virtual_mailbox_limit virtual_minimum_uid
    """,
    "list": """
        alternate_config_directories defer_transports export_environment forward_path import_environment
        inet_interfaces known_tcp_ports@3.10 lmtp_fallback_relay lmtp_tls_exclude_ciphers
        lmtp_tls_fingerprint_cert_match lmtp_tls_mandatory_exclude_ciphers lmtp_tls_secure_cert_match
        lmtp_tls_verify_cert_match maillog_file_prefixes maps_rbl_domains masquerade_domains
        master_service_disable message_drop_headers milter_connect_macros milter_data_macros
        milter_end_of_data_macros milter_end_of_header_macros milter_helo_macros milter_macro_defaults
        milter_mail_macros milter_rcpt_macros milter_unknown_command_macros multi_instance_directories
        non_bdb_migration_allow_root_prefixes@3.11 non_bdb_migration_allow_user_prefixes@3.11
        postmulti_control_commands postmulti_start_commands postmulti_stop_commands postscreen_dnsbl_sites
        proxy_interfaces proxy_read_maps proxy_write_maps smtp_fallback_relay smtp_tls_exclude_ciphers
        smtp_tls_fingerprint_cert_match smtp_tls_mandatory_exclude_ciphers smtp_tls_secure_cert_match
        smtp_tls_verify_cert_match smtpd_restriction_classes smtpd_tls_exclude_ciphers
        smtpd_tls_mandatory_exclude_ciphers tls_dane_digests tlsproxy_tls_exclude_ciphers
        tlsproxy_tls_mandatory_exclude_ciphers use_srv_lookup@3.10
    """,
    "match_list": """
        authorized_flush_users authorized_mailq_users authorized_submit_users debug_peer_list fast_flush_domains
        lmtp_connection_cache_destinations lmtp_requiretls_policy@3.11 lmtp_sasl_mechanism_filter
        local_header_rewrite_clients masquerade_exceptions mydestination mynetworks permit_mx_backup_networks
        postscreen_access_list postscreen_allowlist_interfaces@3.10 postscreen_forbidden_commands
        postscreen_whitelist_interfaces~3.10 qmqpd_authorized_clients relay_domains
        smtp_connection_cache_destinations smtp_requiretls_policy@3.11 smtp_sasl_mechanism_filter
        smtpd_authorized_verp_clients smtpd_authorized_xclient_hosts smtpd_authorized_xforward_hosts
        smtpd_client_event_limit_exceptions smtpd_forbid_bare_newline_exclusions smtpd_forbidden_commands
        smtpd_log_access_permit_actions smtpd_noop_commands smtpd_sasl_exceptions_networks
        smtpd_sasl_mechanism_filter@3.10 virtual_alias_domains virtual_mailbox_domains
    """,
    "milters": "non_smtpd_milters smtpd_milters",
    "port": "lmtp_tcp_port smtp_tcp_port",
    "private_key": """
        lmtp_tls_dkey_file lmtp_tls_eckey_file lmtp_tls_key_file smtp_tls_dkey_file smtp_tls_eckey_file
        smtp_tls_key_file smtpd_tls_dkey_file smtpd_tls_eckey_file smtpd_tls_key_file tlsproxy_client_dkey_file
        tlsproxy_client_eckey_file tlsproxy_client_key_file tlsproxy_tls_dkey_file tlsproxy_tls_eckey_file
        tlsproxy_tls_key_file
    """,
    "restrictions": """
        smtpd_client_restrictions smtpd_data_restrictions smtpd_end_of_data_restrictions smtpd_etrn_restrictions
        smtpd_helo_restrictions smtpd_recipient_restrictions smtpd_relay_restrictions smtpd_sender_restrictions
    """,
    "service": """
        address_verify_service_name bounce_service_name cleanup_service_name connection_cache_service_name
        defer_service_name dnsblog_service_name error_service_name flush_service_name
        non_bdb_migration_service_name@3.11 pickup_service_name postlog_service_name proxymap_service_name
        proxywrite_service_name queue_service_name rewrite_service_name showq_service_name smtpd_service_name
        tlsmgr_service_name tlsproxy_service_name trace_service_name
    """,
    "table": """
        default_delivery_status_filter lmtp_delivery_status_filter lmtp_dns_reply_filter lmtp_reply_filter
        local_delivery_status_filter non_bdb_custom_mapping@3.11 pipe_delivery_status_filter
        postscreen_command_filter postscreen_dnsbl_reply_map smtp_delivery_status_filter smtp_dns_reply_filter
        smtp_reply_filter smtpd_command_filter smtpd_dns_reply_filter virtual_delivery_status_filter
    """,
    "table_type": "default_cache_db_type@3.11 default_database_type",
    "tables": """
        address_verify_sender_dependent_default_transport_maps address_verify_sender_dependent_relayhost_maps
        address_verify_transport_maps alias_database alias_maps body_checks canonical_maps
        fallback_transport_maps header_checks lmtp_body_checks lmtp_discard_lhlo_keyword_address_maps
        lmtp_generic_maps lmtp_header_checks lmtp_mime_header_checks lmtp_nested_header_checks
        lmtp_pix_workaround_maps lmtp_sasl_password_maps lmtp_tls_per_site lmtp_tls_policy_maps
        local_login_sender_maps@3.10 local_recipient_maps mailbox_command_maps mailbox_transport_maps
        milter_header_checks mime_header_checks nested_header_checks
        postscreen_discard_ehlo_keyword_address_maps postscreen_reject_footer_maps rbl_reply_maps
        recipient_bcc_maps recipient_canonical_maps relay_clientcerts relay_recipient_maps relocated_maps
        sender_bcc_maps sender_canonical_maps sender_dependent_default_transport_maps
        sender_dependent_relayhost_maps smtp_body_checks smtp_discard_ehlo_keyword_address_maps
        smtp_generic_maps smtp_header_checks smtp_mime_header_checks smtp_nested_header_checks
        smtp_pix_workaround_maps smtp_sasl_password_maps smtp_tls_per_site smtp_tls_policy_maps
        smtpd_discard_ehlo_keyword_address_maps smtpd_milter_maps smtpd_reject_filter_maps@3.11
        smtpd_reject_footer_maps smtpd_sender_login_maps tls_server_sni_maps tlsproxy_client_per_site
        tlsproxy_client_policy~3.10 tlsproxy_client_policy_maps@3.10 transport_maps virtual_alias_maps
        virtual_gid_maps virtual_mailbox_maps virtual_uid_maps
    """,
    "text": """
        2bounce_notice_recipient address_verify_relayhost address_verify_sender always_bcc
        bounce_notice_recipient bounce_template_file command_expansion_filter cyrus_sasl_config_path
        debugger_command default_destination_concurrency_negative_feedback
        default_destination_concurrency_positive_feedback default_filter_nexthop default_privs default_rbl_reply
        default_verp_delimiters delay_notice_recipient dnssec_probe double_bounce_sender
        empty_address_default_transport_maps_lookup_key empty_address_local_login_sender_maps_lookup_key@3.10
        empty_address_recipient empty_address_relayhost_maps_lookup_key error_notice_recipient
        execution_directory_expansion_filter forward_expansion_filter full_name_encoding_charset@3.10
        home_mailbox lmtp_bind_address lmtp_bind_address6 lmtp_lhlo_name
        lmtp_sasl_password_result_delimiter@3.10 lmtp_sasl_path lmtp_sasl_type lmtp_tls_fingerprint_digest
        lmtp_tls_servername lmtp_tlsrpt_socket_name@3.10 local_command_shell luser_relay mail_name mail_owner
        mail_release_date mail_version mailbox_command maillog_file maillog_file_compressor
        maillog_file_permissions@3.10 maillog_file_rotate_suffix mailq_path message_reject_characters
        message_strip_characters milter_macro_daemon_name milter_macro_v milter_protocol multi_instance_group
        multi_instance_name multi_instance_wrapper mydomain myhostname myorigin newaliases_path openssl_path
        postscreen_expansion_filter postscreen_greet_banner postscreen_reject_footer process_name
        recipient_delimiter relayhost remote_header_rewrite_domain sendmail_path service_name setgid_group
        smtp_bind_address smtp_bind_address6 smtp_helo_name smtp_sasl_password_result_delimiter@3.10
        smtp_sasl_path smtp_sasl_type smtp_tls_fingerprint_digest smtp_tls_servername
        smtp_tlsrpt_socket_name@3.10 smtpd_banner smtpd_expansion_filter smtpd_null_access_lookup_key
        smtpd_policy_service_default_action smtpd_policy_service_policy_context smtpd_proxy_ehlo
        smtpd_proxy_filter smtpd_reject_footer smtpd_sasl_local_domain smtpd_sasl_path smtpd_sasl_service
        smtpd_sasl_type smtpd_tls_fingerprint_digest stress syslog_name tls_config_file tls_config_name
        tls_eecdh_auto_curves tls_eecdh_strong_curve tls_eecdh_ultra_curve tls_export_cipherlist
        tls_ffdhe_auto_groups@3.10 tls_high_cipherlist tls_low_cipherlist tls_medium_cipherlist
        tls_null_cipherlist tls_random_exchange_name tls_random_source tls_session_ticket_cipher
        tlsproxy_client_fingerprint_digest tlsproxy_client_loglevel_parameter tlsproxy_tls_fingerprint_digest
        undisclosed_recipients_header unverified_recipient_reject_reason unverified_sender_reject_reason
        verp_delimiter_filter virtual_mailbox_base
    """,
    "time": """
        address_verify_cache_cleanup_interval address_verify_negative_expire_time
        address_verify_negative_refresh_time address_verify_poll_delay address_verify_positive_expire_time
        address_verify_positive_refresh_time address_verify_sender_ttl anvil_rate_time_unit
        anvil_status_update_time application_event_drain_time bounce_queue_lifetime command_time_limit
        connection_cache_protocol_timeout connection_cache_status_update_time connection_cache_ttl_limit
        daemon_timeout default_destination_rate_delay default_recipient_refill_delay
        default_transport_rate_delay delay_warning_time deliver_lock_delay dnsblog_reply_delay
        fast_flush_purge_time fast_flush_refresh_time fork_delay in_flow_delay ipc_idle ipc_timeout ipc_ttl
        lmtp_connect_timeout lmtp_connection_cache_time_limit lmtp_connection_reuse_time_limit
        lmtp_data_done_timeout lmtp_data_init_timeout lmtp_data_xfer_timeout lmtp_lhlo_timeout lmtp_mail_timeout
        lmtp_pix_workaround_delay_time lmtp_pix_workaround_threshold_time lmtp_quit_timeout lmtp_rcpt_timeout
        lmtp_rset_timeout lmtp_sasl_auth_cache_time lmtp_starttls_timeout lmtp_tls_session_cache_timeout
        lmtp_xforward_timeout max_idle maximal_backoff_time maximal_queue_lifetime milter_command_timeout
        milter_connect_timeout milter_content_timeout minimal_backoff_time postlogd_watchdog_timeout
        postscreen_bare_newline_ttl postscreen_cache_cleanup_interval postscreen_cache_retention_time
        postscreen_command_time_limit postscreen_dnsbl_max_ttl postscreen_dnsbl_min_ttl postscreen_dnsbl_timeout
        postscreen_greet_ttl postscreen_greet_wait postscreen_non_smtp_command_ttl postscreen_pipelining_ttl
        postscreen_upstream_proxy_timeout postscreen_watchdog_timeout qmgr_clog_warn_time qmgr_daemon_timeout
        qmgr_ipc_timeout qmqpd_error_delay qmqpd_timeout queue_run_delay service_throttle_time
        smtp_connect_timeout smtp_connection_cache_time_limit smtp_connection_reuse_time_limit
        smtp_data_done_timeout smtp_data_init_timeout smtp_data_xfer_timeout smtp_helo_timeout smtp_mail_timeout
        smtp_pix_workaround_delay_time smtp_pix_workaround_threshold_time smtp_quit_timeout smtp_rcpt_timeout
        smtp_rset_timeout smtp_sasl_auth_cache_time smtp_starttls_timeout smtp_tls_session_cache_timeout
        smtp_xforward_timeout smtpd_error_sleep_time smtpd_policy_service_max_idle smtpd_policy_service_max_ttl
        smtpd_policy_service_retry_delay smtpd_policy_service_timeout smtpd_proxy_timeout smtpd_starttls_timeout
        smtpd_timeout smtpd_tls_session_cache_timeout smtpd_upstream_proxy_timeout stale_lock_time
        tls_random_prng_update_period tls_random_reseed_period tlsproxy_watchdog_timeout transport_retry_time
        trigger_timeout
    """,
    "tls_protocols": """
        lmtp_tls_mandatory_protocols lmtp_tls_protocols smtp_tls_mandatory_protocols smtp_tls_protocols
        smtpd_tls_mandatory_protocols smtpd_tls_protocols tlsproxy_tls_mandatory_protocols
        tlsproxy_tls_protocols
    """,
    "transport": """
        address_verify_default_transport address_verify_local_transport address_verify_relay_transport
        address_verify_virtual_transport best_mx_transport content_filter default_transport fallback_transport
        local_transport mailbox_transport relay_transport virtual_transport
    """,
}

#: least..greatest number, seconds or length -> names
BOUNDS: dict[str, str] = {
    "..10": "in_flow_delay",
    "..100": "default_delivery_slot_discount",
    "..128": "smtpd_client_ipv6_prefix_length",
    "..32": "smtpd_client_ipv4_prefix_length",
    "..6": "delay_logging_resolution_limit",
    "..8640000": """
        bounce_queue_lifetime lmtp_tls_session_cache_timeout maximal_queue_lifetime
        smtp_tls_session_cache_timeout smtpd_tls_session_cache_timeout
    """,
    "1..": """
        2bounce_notice_recipient address_verify_default_transport address_verify_local_transport
        address_verify_negative_expire_time address_verify_negative_refresh_time
        address_verify_pending_request_limit address_verify_poll_count address_verify_poll_delay
        address_verify_positive_expire_time address_verify_positive_refresh_time address_verify_relay_transport
        address_verify_service_name address_verify_virtual_transport anvil_rate_time_unit
        anvil_status_update_time application_event_drain_time berkeley_db_create_buffer_size
        berkeley_db_read_buffer_size bounce_notice_recipient bounce_service_name bounce_size_limit
        canonical_classes cleanup_service_name command_directory command_expansion_filter command_time_limit
        config_directory connection_cache_protocol_timeout connection_cache_service_name
        connection_cache_status_update_time connection_cache_ttl_limit daemon_directory data_directory
        debug_peer_level default_cache_db_type default_database_type
        default_destination_concurrency_negative_feedback default_destination_concurrency_positive_feedback
        default_privs default_process_limit default_rbl_reply default_recipient_refill_delay
        default_recipient_refill_limit default_transport defer_service_name delay_notice_recipient
        deliver_lock_attempts deliver_lock_delay dnsblog_service_name double_bounce_sender
        empty_address_default_transport_maps_lookup_key empty_address_recipient
        empty_address_relayhost_maps_lookup_key error_notice_recipient error_service_name
        execution_directory_expansion_filter fast_flush_purge_time fast_flush_refresh_time flush_service_name
        fork_attempts fork_delay forward_expansion_filter full_name_encoding_charset hash_queue_depth
        hash_queue_names header_address_token_limit header_from_format header_size_limit hopcount_limit
        html_directory info_log_address_format initial_destination_concurrency ipc_idle ipc_timeout ipc_ttl
        lmdb_map_size lmtp_address_preference lmtp_address_verify_target lmtp_connection_cache_time_limit
        lmtp_connection_reuse_time_limit lmtp_data_done_timeout lmtp_data_init_timeout lmtp_data_xfer_timeout
        lmtp_host_lookup lmtp_lhlo_name lmtp_lhlo_timeout lmtp_mail_timeout lmtp_min_data_rate
        lmtp_pix_workaround_delay_time lmtp_quit_timeout lmtp_rcpt_timeout lmtp_rset_timeout lmtp_sasl_type
        lmtp_starttls_timeout lmtp_tls_ciphers lmtp_tls_fingerprint_digest lmtp_tls_mandatory_ciphers
        lmtp_tls_secure_cert_match lmtp_tls_verify_cert_match lmtp_xforward_timeout local_transport mail_name
        mail_owner mail_release_date mail_version mailbox_delivery_lock maillog_file_compressor
        maillog_file_permissions maillog_file_prefixes maillog_file_rotate_suffix mailq_path manpage_directory
        max_idle max_use maximal_backoff_time meta_directory milter_command_timeout milter_connect_timeout
        milter_content_timeout milter_default_action milter_macro_daemon_name milter_macro_v milter_protocol
        mime_boundary_length_limit mime_nesting_limit minimal_backoff_time mydomain myhostname mynetworks_style
        myorigin newaliases_path non_bdb_migration_level non_empty_end_of_header_action openssl_path
        pickup_service_name postlog_service_name postscreen_bare_newline_action postscreen_bare_newline_ttl
        postscreen_blacklist_action postscreen_cache_retention_time postscreen_command_count_limit
        postscreen_command_time_limit postscreen_denylist_action postscreen_dnsbl_action
        postscreen_dnsbl_max_ttl postscreen_dnsbl_min_ttl postscreen_dnsbl_threshold postscreen_dnsbl_timeout
        postscreen_expansion_filter postscreen_greet_action postscreen_greet_ttl postscreen_greet_wait
        postscreen_non_smtp_command_action postscreen_non_smtp_command_ttl postscreen_pipelining_action
        postscreen_pipelining_ttl postscreen_upstream_proxy_timeout process_id_directory proxymap_service_name
        proxywrite_service_name qmgr_ipc_timeout qmgr_message_active_limit qmgr_message_recipient_limit
        qmgr_message_recipient_minimum qmqpd_timeout queue_directory queue_file_attribute_count_limit
        queue_run_delay queue_service_name readme_directory recipient_canonical_classes reject_tempfail_action
        relay_transport rewrite_service_name sample_directory sender_canonical_classes sendmail_fix_line_endings
        sendmail_path service_throttle_time setgid_group shlib_directory showq_service_name
        smtp_address_preference smtp_address_verify_target smtp_connection_cache_time_limit
        smtp_connection_reuse_time_limit smtp_data_done_timeout smtp_data_init_timeout smtp_data_xfer_timeout
        smtp_helo_name smtp_helo_timeout smtp_host_lookup smtp_mail_timeout smtp_min_data_rate
        smtp_pix_workaround_delay_time smtp_quit_timeout smtp_rcpt_timeout smtp_rset_timeout smtp_sasl_type
        smtp_starttls_timeout smtp_tls_ciphers smtp_tls_fingerprint_digest smtp_tls_mandatory_ciphers
        smtp_tls_secure_cert_match smtp_tls_verify_cert_match smtp_xforward_timeout smtpd_banner
        smtpd_expansion_filter smtpd_forbid_bare_newline smtpd_hard_error_limit smtpd_history_flush_threshold
        smtpd_junk_command_limit smtpd_min_data_rate smtpd_policy_service_default_action
        smtpd_policy_service_max_idle smtpd_policy_service_max_ttl smtpd_policy_service_retry_delay
        smtpd_policy_service_timeout smtpd_policy_service_try_limit smtpd_proxy_timeout smtpd_recipient_limit
        smtpd_recipient_overshoot_limit smtpd_sasl_path smtpd_sasl_service smtpd_sasl_type smtpd_service_name
        smtpd_soft_error_limit smtpd_starttls_timeout smtpd_timeout smtpd_tls_ciphers smtpd_tls_eecdh_grade
        smtpd_tls_fingerprint_digest smtpd_tls_mandatory_ciphers smtpd_upstream_proxy_timeout
        smtputf8_autodetect_classes socketmap_max_reply_size stale_lock_time syslog_facility syslog_name
        tls_daemon_random_bytes tls_dane_digests tls_eecdh_auto_curves~3.10 tls_eecdh_strong_curve~3.10
        tls_eecdh_ultra_curve~3.10 tls_export_cipherlist~3.10 tls_high_cipherlist tls_low_cipherlist~3.10
        tls_medium_cipherlist tls_null_cipherlist tls_random_bytes tls_random_prng_update_period
        tls_random_reseed_period tlsmgr_service_name tlsproxy_client_fingerprint_digest tlsproxy_service_name
        tlsproxy_tls_ciphers tlsproxy_tls_eecdh_grade tlsproxy_tls_fingerprint_digest
        tlsproxy_tls_mandatory_ciphers trace_service_name transport_retry_time trigger_timeout
        unknown_address_tempfail_action unknown_helo_hostname_tempfail_action
        unverified_recipient_tempfail_action unverified_sender_tempfail_action verp_delimiter_filter
        virtual_alias_address_length_limit virtual_alias_expansion_limit virtual_alias_recursion_limit
        virtual_mailbox_base virtual_mailbox_lock virtual_minimum_uid virtual_transport
    """,
    "1..1": "lmtp_sasl_password_result_delimiter smtp_sasl_password_result_delimiter",
    "10..": """
        postlogd_watchdog_timeout postscreen_pre_queue_limit postscreen_watchdog_timeout
        tlsproxy_watchdog_timeout
    """,
    "10..100": "qmgr_fudge_factor",
    "12288..": "smtpd_sasl_response_limit",
    "2..2": "default_verp_delimiters",
    "200..499": "unverified_recipient_defer_code unverified_sender_defer_code",
    "200..599": "unverified_recipient_reject_code unverified_sender_reject_code",
    "3..": "daemon_timeout qmgr_daemon_timeout",
    "5..": "postscreen_post_queue_limit",
    "500..599": "smtpd_forbid_bare_newline_reject_code",
    "512..": "line_length_limit",
}

#: names whose numbers have 64 bits; all others have 32
WIDE = "lmdb_map_size mailbox_size_limit message_size_limit queue_minfree virtual_mailbox_limit"

#: programs -> the names that they read; ``smtp_*``: all with that beginning which stand nowhere else
READERS: dict[str, str] = {
    "all": """
        address_verify_negative_cache address_verify_service_name default_cache_db_type default_database_type
        default_delivery_status_filter default_privs default_process_limit default_verp_delimiters
        tls_required_enable
    """,
    "anvil": "anvil_rate_time_unit anvil_status_update_time",
    "bounce": """
        2bounce_notice_recipient bounce_size_limit bounce_template_file delay_notice_recipient
        enable_threaded_bounces requiretls_redact_dsn
    """,
    "bounce cleanup": "delay_warning_time",
    "bounce cleanup lmtp smtp smtpd": "header_from_format",
    "bounce lmtp smtp smtpd": "notify_classes",
    "bounce oqmgr qmgr": "maximal_queue_lifetime",
    "bounce smtpd": "bounce_notice_recipient",
    "cleanup": """
        masquerade_* always_add_missing_headers always_bcc body_checks body_checks_size_limit canonical_classes
        cleanup_replace_stray_cr_lf detect_8bit_encoding_header force_mime_input_conversion
        full_name_encoding_charset header_checks hopcount_limit message_reject_characters
        message_strip_characters milter_header_checks mime_header_checks nested_header_checks
        non_empty_end_of_header_action non_smtpd_milters queue_file_attribute_count_limit recipient_bcc_maps
        recipient_canonical_classes sender_bcc_maps sender_canonical_classes undisclosed_recipients_header
        virtual_alias_address_length_limit virtual_alias_expansion_limit virtual_alias_recursion_limit
    """,
    "cleanup lmtp local smtp": "propagate_unmatched_extensions",
    "cleanup local showq": "duplicate_filter_limit",
    "cleanup oqmgr qmgr": "disable_verp_bounces",
    "cleanup proxymap smtpd": "canonical_maps recipient_canonical_maps sender_canonical_maps",
    "cleanup proxymap smtpd trivial-rewrite": "virtual_alias_maps",
    "cleanup smtpd": "milter_* requiretls_esmtp_header",
    "cleanup trivial-rewrite": "empty_address_recipient remote_header_rewrite_domain",
    "dnsblog": "dnsblog_reply_delay",
    "flush": "fast_flush_purge_time fast_flush_refresh_time",
    "lmtp oqmgr qmgr smtp": "minimal_backoff_time queue_run_delay",
    "lmtp postscreen smtp": "tlsproxy_service_name",
    "lmtp posttls-finger smtp tlsproxy": "smtp_tls_fingerprint_digest",
    "lmtp smtp": """
        lmtp_* smtp_* allow_srv_lookup_fallback best_mx_transport connection_cache_protocol_timeout
        connection_cache_service_name ignore_mx_lookup_error ignore_srv_lookup_error use_srv_lookup
    """,
    "lmtp smtp smtpd": "cyrus_sasl_config_path error_notice_recipient",
    "lmtp smtp smtpd tlsproxy": "tls_* openssl_path tlsmgr_service_name",
    "lmtp smtp tlsmgr": "lmtp_tls_loglevel",
    "lmtp smtp tlsmgr tlsproxy": "smtp_tls_loglevel",
    "lmtp smtp tlsproxy": """
        smtp_enforce_tls smtp_tls_CAfile smtp_tls_CApath smtp_tls_cert_file smtp_tls_chain_files
        smtp_tls_dcert_file smtp_tls_dkey_file smtp_tls_eccert_file smtp_tls_eckey_file smtp_tls_key_file
        smtp_tls_per_site smtp_tls_policy_maps smtp_tls_scert_verifydepth smtp_tls_security_level smtp_use_tls
    """,
    "local": """
        mailbox_* allow_mail_to_commands allow_mail_to_files biff command_execution_directory
        command_expansion_filter execution_directory_expansion_filter expand_owner_alias fallback_transport
        fallback_transport_maps forward_expansion_filter forward_path frozen_delivered_to home_mailbox
        local_command_shell local_delivery_status_filter luser_relay prepend_delivered_header
        require_home_directory reset_owner_alias sun_mailtool_compatibility
    """,
    "local pipe spawn": "command_time_limit",
    "local proxymap smtpd": "alias_maps",
    "local virtual": "mail_spool_directory strict_mailbox_ownership",
    "master": "config_directory master_service_disable service_throttle_time",
    "nbdb_reindexd": "non_bdb_migration_allow_root_prefixes non_bdb_migration_allow_user_prefixes",
    "oqmgr": "qmgr_fudge_factor",
    "oqmgr qmgr": """
        qmgr_* address_verify_pending_request_limit bounce_queue_lifetime confirm_delay_cleared
        default_destination_concurrency_failed_cohort_limit default_destination_concurrency_limit
        default_destination_concurrency_negative_feedback default_destination_concurrency_positive_feedback
        default_destination_rate_delay default_destination_recipient_limit default_filter_nexthop
        default_transport_rate_delay defer_transports destination_concurrency_feedback_debug
        initial_destination_concurrency local_destination_concurrency_limit local_destination_recipient_limit
        maximal_backoff_time transport_retry_time
    """,
    "pickup qmqpd smtpd": "content_filter receive_override_options",
    "pipe": "pipe_delivery_status_filter",
    "postdrop": "empty_address_local_login_sender_maps_lookup_key local_login_sender_maps",
    "postdrop sendmail": "authorized_submit_users",
    "postfix": """
        html_directory mailq_path manpage_directory newaliases_path readme_directory sample_directory
        sendmail_path
    """,
    "postlogd": "postlogd_watchdog_timeout",
    "postmulti": "postmulti_*",
    "postqueue": "authorized_flush_users authorized_mailq_users",
    "postscreen": "postscreen_* dnsblog_service_name smtpd_service_name",
    "postscreen proxymap": "postscreen_cache_map postscreen_forbidden_commands",
    "postscreen proxymap smtpd": "smtpd_forbidden_commands",
    "postscreen smtpd": """
        disable_vrfy_command smtpd_banner smtpd_client_connection_count_limit smtpd_command_filter
        smtpd_discard_ehlo_keyword_address_maps smtpd_discard_ehlo_keywords smtpd_expansion_filter
        smtpd_helo_required smtpd_reject_footer
    """,
    "postscreen smtpd tlsproxy": "smtpd_enforce_tls smtpd_tls_security_level smtpd_use_tls",
    "proxymap": "proxy_read_maps proxy_write_maps",
    "proxymap smtpd": "local_recipient_maps relay_recipient_maps smtpd_restriction_classes smtpd_sender_login_maps",
    "proxymap smtpd trivial-rewrite virtual": "virtual_mailbox_maps",
    "proxymap trivial-rewrite": "relocated_maps transport_maps virtual_alias_domains virtual_mailbox_domains",
    "proxymap verify": "address_verify_map",
    "qmgr": "default_* qmgr_message_recipient_minimum",
    "qmqpd": "qmqpd_*",
    "scache": "connection_cache_status_update_time connection_cache_ttl_limit",
    "sendmail": "sendmail_fix_line_endings",
    "smtpd": """
        smtpd_* unknown_* unverified_* access_map_defer_code access_map_reject_code address_verify_poll_count
        address_verify_poll_delay allow_untrusted_routing broken_sasl_auth_clients default_rbl_reply defer_code
        invalid_hostname_reject_code local_header_rewrite_clients maps_rbl_domains maps_rbl_reject_code
        multi_recipient_bounce_reject_code non_fqdn_reject_code permit_mx_backup_networks plaintext_reject_code
        queue_minfree rbl_reply_maps reject_code reject_tempfail_action relay_clientcerts
        relay_domains_reject_code stress strict_rfc821_envelopes
    """,
    "smtpd tlsmgr tlsproxy": "smtpd_tls_loglevel",
    "smtpd tlsproxy": """
        smtpd_tls_CAfile smtpd_tls_CApath smtpd_tls_always_issue_session_ids smtpd_tls_ask_ccert
        smtpd_tls_ccert_verifydepth smtpd_tls_cert_file smtpd_tls_chain_files smtpd_tls_ciphers
        smtpd_tls_dcert_file smtpd_tls_dh1024_param_file smtpd_tls_dh512_param_file smtpd_tls_dkey_file
        smtpd_tls_eccert_file smtpd_tls_eckey_file smtpd_tls_eecdh_grade smtpd_tls_enable_rpk
        smtpd_tls_exclude_ciphers smtpd_tls_fingerprint_digest smtpd_tls_key_file smtpd_tls_mandatory_ciphers
        smtpd_tls_mandatory_exclude_ciphers smtpd_tls_mandatory_protocols smtpd_tls_protocols
        smtpd_tls_req_ccert
    """,
    "smtpd trivial-rewrite": "show_user_unknown_table_name",
    "smtpd verify": "address_verify_sender address_verify_sender_ttl",
    "tlsmgr": """
        lmtp_tls_session_cache_database lmtp_tls_session_cache_timeout smtp_tls_session_cache_database
        smtp_tls_session_cache_timeout smtpd_tls_session_cache_database smtpd_tls_session_cache_timeout
        tls_random_bytes tls_random_exchange_name tls_random_prng_update_period tls_random_reseed_period
        tls_random_source
    """,
    "tlsproxy": "tlsproxy_*",
    "trivial-rewrite": """
        address_* resolve_* allow_min_user allow_percent_hack append_at_myorigin append_dot_mydomain
        default_transport empty_address_default_transport_maps_lookup_key
        empty_address_relayhost_maps_lookup_key local_transport relay_transport relocated_prefix_enable
        sender_dependent_default_transport_maps sender_dependent_relayhost_maps swap_bangpath virtual_transport
    """,
    "verify": """
        address_verify_cache_cleanup_interval address_verify_negative_expire_time
        address_verify_negative_refresh_time address_verify_positive_expire_time
        address_verify_positive_refresh_time
    """,
    "virtual": "virtual_*",
}

#: what a daemon needs in master.cf -> daemons: a process limit of 1, of 0, no n in the column unpriv
NEEDS: dict[str, str] = {
    "privileged": "local nbdb_reindexd pipe spawn virtual",
    "single": "anvil nbdb_reindexd oqmgr pickup postlogd postscreen qmgr scache tlsmgr verify",
    "unlimited": "bounce cleanup dnsblog flush tlsproxy",
}

#: daemon -> the attributes that it takes
ARGUMENTS: dict[str, str] = {
    "pipe": "argv= chroot= directory= eol= flags= null_sender= size= user=",
    "smtp": "flags=",
    "spawn": "argv= user=",
}

#: daemon -> the letters of flags=
FLAGS: dict[str, str] = {
    "pipe": "BDFORX.>hqu",
    "smtp": "DORX",
}
