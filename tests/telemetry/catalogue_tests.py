"""Which test shows each metric of the catalogue to move, because what it counts has happened.

A new row needs a line here; `test_catalogue_tests` fails without one.
"""

MOVE = "tests/end_to_end/test_metrics_move.py::"
KILLS = "tests/end_to_end/test_metrics_after_kills.py::"
REMOTE = "tests/end_to_end/test_sidecar_remote.py::"
BESIDE = "tests/end_to_end/test_sidecar_beside_server.py::"
SIDECAR = "tests/sidecar/"
TRACES = "tests/end_to_end/test_traces.py::"
ROUTES = SIDECAR + "relay/test_routes.py::"

_WORKS_AND_FAILS = MOVE + "test_a_run_that_works_and_one_that_fails_are_counted_and_timed"
_STORES = MOVE + "test_what_a_run_stores_is_measured_with_the_pools_it_goes_through"
_REQUESTS = MOVE + "test_requests_and_the_lines_about_them_are_counted_and_loops_are_timed"
_DOUBLE_TEXT = MOVE + "test_a_second_message_counts_under_its_strategy_with_what_it_cost"
_WAITS = MOVE + "test_who_waits_behind_a_thread_is_shown_with_its_age"
_STREAM = MOVE + "test_a_stream_counts_what_it_sends_and_how_it_ends"
_TOO_LATE = MOVE + "test_a_reader_that_comes_back_too_late_has_lost_events_and_that_is_counted"
_WEBHOOK = MOVE + "test_a_webhook_is_counted_by_what_came_of_it_and_timed"
_CRON = MOVE + "test_a_cron_that_fires_is_counted_with_how_late_it_was"
_KILLED = KILLS + "test_no_counter_falls_no_file_stays_and_the_gauges_of_the_dead_vanish"
_ZOMBIE = BESIDE + "test_a_zombie_takes_a_slot_while_it_lives_and_its_writes_are_counted_as_refused"
_STUCK = SIDECAR + ("test_collectors.py::test_runs_that_wait_although_slots_are_free_are_stuck")
_CHILDREN = SIDECAR + (
    "test_workers_and_container.py::"
    "test_what_a_process_started_is_added_up_beside_it_and_its_time_stays"
)
_CONTAINER = SIDECAR + (
    "test_workers_and_container.py::test_the_limits_of_the_container_are_shown_with_what_is_used"
)
_FROZEN = SIDECAR + "test_process.py::test_frozen_server_is_seen_and_metrics_go_on"
_CHANGES = SIDECAR + (
    "test_process.py::"
    "test_a_check_that_changes_is_logged_once_and_counted_and_the_page_tells_of_itself"
)
_BROKEN = SIDECAR + ("test_collectors.py::test_failing_collector_is_named_and_the_others_are_shown")
_TRACED = TRACES + "test_the_page_shows_what_was_counted_by_hand"
_OPEN = TRACES + "test_a_trace_is_open_for_as_long_as_its_run"
_IN_FLIGHT = SIDECAR + "relay/test_outages.py::test_only_the_batch_in_flight_arrives_twice"
_AWAY = SIDECAR + "relay/test_outages.py::test_runs_sent_while_the_sidecar_was_away_arrive_later"

TESTS = {
    "langgraph_runs_created_total": _WORKS_AND_FAILS,
    "langgraph_runs_finished_total": _WORKS_AND_FAILS,
    "langgraph_run_duration_seconds": _WORKS_AND_FAILS,
    "langgraph_run_queue_wait_seconds": _WORKS_AND_FAILS,
    "langgraph_run_attempts_total": _WORKS_AND_FAILS,
    "langgraph_run_errors_total": _WORKS_AND_FAILS,
    "langgraph_graph_build_seconds": _WORKS_AND_FAILS,
    "langgraph_cron_fires_total": _CRON,
    "langgraph_cron_lag_seconds": _CRON,
    "langgraph_runs": _WAITS,
    "langgraph_run_queue_depth": _WAITS,
    "langgraph_run_queue_oldest_seconds": _WAITS,
    "langgraph_threads": _WAITS,
    "langgraph_runs_stuck": _STUCK,
    "langgraph_double_text_total": _DOUBLE_TEXT,
    "langgraph_double_text_cut_seconds": _DOUBLE_TEXT,
    "langgraph_double_text_wasted_seconds_total": _DOUBLE_TEXT,
    "langgraph_thread_queue_length": _DOUBLE_TEXT,
    "langgraph_fenced_writes_total": _ZOMBIE,
    "langgraph_stream_first_event_seconds": _STREAM,
    "langgraph_streams_active": _STREAM,
    "langgraph_stream_events_total": _STREAM,
    "langgraph_stream_bytes_total": _STREAM,
    "langgraph_stream_closed_total": _STREAM,
    "langgraph_stream_resumes_total": _TOO_LATE,
    "langgraph_stream_events_lost_total": _TOO_LATE,
    "langgraph_worker_slots": _ZOMBIE,
    "langgraph_worker_up": _KILLED,
    "langgraph_worker_heartbeat_age_seconds": _KILLED,
    "langgraph_leases_expired_total": _KILLED,
    "langgraph_runs_recovered_total": _KILLED,
    "langgraph_checkpoint_write_seconds": _STORES,
    "langgraph_checkpoint_bytes": _STORES,
    "langgraph_db_pool_connections": _STORES,
    "langgraph_db_pool_acquire_seconds": _STORES,
    "langgraph_db_pool_waiting": (
        "tests/telemetry/test_pools.py::test_readers_show_who_reads_and_who_waits"
    ),
    "langgraph_db_probe_seconds": (
        SIDECAR + "test_probes.py::test_database_probe_measures_success_and_failure"
    ),
    "langgraph_redis_probe_seconds": (
        SIDECAR + "test_redis_probe.py::test_it_comes_and_goes_with_redis_and_is_measured"
    ),
    "langgraph_webhook_deliveries_total": _WEBHOOK,
    "langgraph_webhook_call_seconds": _WEBHOOK,
    "langgraph_webhook_delay_seconds": _WEBHOOK,
    "http_server_request_duration_seconds": _REQUESTS,
    "http_server_requests_total": _REQUESTS,
    "http_server_active_requests": _STREAM,
    "langgraph_event_loop_lag_seconds": _REQUESTS,
    "langgraph_log_lines_total": _REQUESTS,
    "process_cpu_seconds_total": _CHILDREN,
    "process_resident_memory_bytes": _CHILDREN,
    "process_open_fds": _CHILDREN,
    "process_threads": _CHILDREN,
    "langgraph_container_memory_bytes": _CONTAINER,
    "langgraph_container_memory_limit_bytes": _CONTAINER,
    "langgraph_container_cpu_seconds_total": _CONTAINER,
    "langgraph_container_cpu_limit": _CONTAINER,
    "langgraph_health_status": _FROZEN,
    "langgraph_health_check_seconds": _CHANGES,
    "langgraph_health_check_age_seconds": _CHANGES,
    "langgraph_health_transitions_total": _CHANGES,
    "langgraph_canary_seconds": REMOTE + "test_a_canary_measures_the_whole_way_and_leaves_nothing",
    "langgraph_sidecar_collector_duration_seconds": _BROKEN,
    "langgraph_sidecar_collector_success": _BROKEN,
    "langgraph_sidecar_collector_age_seconds": SIDECAR
    + "test_collectors.py::test_the_age_of_a_collector_is_the_time_since_it_last_worked",
    "langgraph_sidecar_refused_total": SIDECAR
    + "test_security.py::test_one_connection_too_many_is_refused_and_the_others_go_on",
    "langgraph_sidecar_build_info": _CHANGES,
    "langgraph_target_info": REMOTE + "test_its_load_threads_and_version_are_shown_under_our_names",
    "langgraph_sidecar_metric_files": SIDECAR
    + "test_collectors.py::test_metric_files_collector_counts_the_files_it_read",
    "langgraph_auth_failures_total": (
        "tests/end_to_end/test_auth_rules.py::test_refused_requests_are_counted_by_reason"
    ),
    "langgraph_rate_limited_total": (
        "tests/end_to_end/test_rate_limits.py::"
        "test_a_caller_over_its_limit_and_one_without_a_key_are_refused_and_counted"
    ),
    "langgraph_auth_files_broken_total": (
        "tests/end_to_end/test_auth_built_in.py::"
        "test_keys_let_in_and_can_be_changed_while_the_server_runs"
    ),
    "langgraph_node_duration_seconds": _TRACED,
    "langgraph_node_retries_total": _TRACED,
    "langgraph_interrupts_total": _TRACED,
    "langgraph_graph_recursion_errors_total": _TRACED,
    "gen_ai_client_operation_duration_seconds": _TRACED,
    "gen_ai_client_time_to_first_chunk_seconds": _TRACED,
    "gen_ai_client_tokens_total": _TRACED,
    "langgraph_llm_cost_usd_total": _TRACED,
    "gen_ai_execute_tool_duration_seconds": _TRACED,
    "langgraph_traces_open": _OPEN,
    "langgraph_trace_age_max_seconds": _OPEN,
    "langgraph_traces_forgotten_total": SIDECAR
    + "traces/test_deriver.py::test_a_silent_trace_is_given_up_and_what_it_held_back_is_counted",
    "langgraph_trace_operations_skipped_total": TRACES
    + "test_a_second_project_gets_the_trace_and_nothing_counts_twice",
    "langgraph_relay_ingested_runs_total": ROUTES + "test_all_parts_of_a_run_arrive_as_they_were",
    "langgraph_relay_refused_requests_total": SIDECAR
    + "relay/test_hostile.py::test_a_slow_sender_is_cut_off_and_the_relay_goes_on",
    "langgraph_relay_replayed_files_total": _AWAY,
    "langgraph_relay_forwarded_batches_total": _IN_FLIGHT,
    "langgraph_relay_forward_seconds": _IN_FLIGHT,
    "langgraph_relay_spool_bytes": _IN_FLIGHT,
    "langgraph_relay_spool_oldest_seconds": _IN_FLIGHT,
    "langgraph_relay_dropped_runs_total": ROUTES + "test_one_refused_run_takes_no_other_with_it",
    "langgraph_relay_sampled_out_total": ROUTES
    + "test_of_traces_outside_the_share_only_errors_and_slow_ones_go_on",
    "langgraph_label_overflow_total": (
        "tests/telemetry/test_metrics.py::test_the_101st_value_of_an_open_label_is_other_and_counted"
    ),
}
