//! The transport conformance suite of `chat-testkit`, on each of the four.

#![allow(clippy::unwrap_used)] // A test that cannot go on stops.

use chat_engine::TransportKind;
use chat_testkit::conformance::{network, words};

macro_rules! on_each_transport {
    ($($suite:ident: $($case:ident)+;)+) => {
        on_each_transport!(@ polling Polling; $($suite: $($case)+;)+);
        on_each_transport!(@ long_polling LongPolling; $($suite: $($case)+;)+);
        on_each_transport!(@ sse Sse; $($suite: $($case)+;)+);
        on_each_transport!(@ websocket WebSocket; $($suite: $($case)+;)+);
    };
    (@ $module:ident $kind:ident; $($suite:ident: $($case:ident)+;)+) => {
        mod $module {
            use super::*;
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    $suite::$case(TransportKind::$kind).await;
                }
            )+)+
        }
    };
}

on_each_transport! {
    words:
        a_repeated_message_is_shown_once
        messages_out_of_order_are_asked_for_again
        a_broken_connection_goes_on_where_it_was
        a_connection_that_is_ended_goes_on_where_it_was
        a_busy_server_is_left_alone_for_as_long_as_it_says
        what_something_in_between_says_is_not_believed
        a_server_behind_the_cache_is_waited_out
        the_end_of_a_room_ends_the_job
        a_token_that_has_run_out_is_renewed
        stop_hangs_up_at_every_moment
        a_push_finds_out_that_a_connection_is_dead
        another_network_gets_another_connection
        a_server_too_busy_for_polls_is_still_listened_to;
    network:
        a_conversation_comes_and_goes
        a_conversation_over_tls_is_the_same
        who_comes_back_late_catches_up
        a_cut_at_any_byte_loses_and_doubles_nothing
        a_half_open_connection_is_found_out
        a_half_open_connection_over_tls_is_let_go_of
        a_server_that_is_restarted_is_gone_on_with
        a_slow_network_only_takes_longer
        ten_thousand_starts_and_stops_leave_nothing_behind;
}
