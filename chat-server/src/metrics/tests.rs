//! What a scrape is told.

use super::{Delivered, Limit, Metrics};
use crate::hub::Rendering;
use axum::http::{Method, StatusCode};
use chat_protocol::CloseCode;
use std::time::Duration;

#[track_caller]
fn has(metrics: &Metrics, line: &str) {
    let text = metrics.render();
    assert!(text.lines().any(|known| known == line), "no {line} in\n{text}");
}

#[test]
fn a_request_is_counted_by_method_route_and_status_and_timed_unless_it_was_held() {
    let metrics = Metrics::new();
    let made_up = Method::from_bytes(b"MADE-UP-BY-A-CLIENT").unwrap();
    metrics.http.answered(&Method::GET, "/v1/rooms", StatusCode::OK, Some(Duration::from_millis(3)));
    metrics.http.answered(&Method::GET, "/v1/rooms", StatusCode::OK, None);
    metrics.http.answered(&made_up, "(unmatched)", StatusCode::NOT_FOUND, None);
    has(&metrics, r#"chat_http_requests_total{method="GET",route="/v1/rooms",status="200"} 2"#);
    has(&metrics, r#"chat_http_requests_total{method="_OTHER",route="(unmatched)",status="404"} 1"#);
    let bucket = |le| {
        format!(r#"chat_http_request_duration_seconds_bucket{{le="{le}",method="GET",route="/v1/rooms"}} "#)
    };
    has(&metrics, &(bucket("0.0025") + "0"));
    has(&metrics, &(bucket("0.005") + "1"));
}

#[test]
fn listeners_and_what_they_are_brought_are_counted_by_transport() {
    let metrics = Metrics::new();
    let fanout = &metrics.fanout;
    for rendering in [Rendering::Sse, Rendering::Socket, Rendering::Page { limit: 1 }] {
        fanout.came(rendering);
    }
    fanout.came(Rendering::Sse);
    fanout.went(Rendering::Sse, Some(CloseCode::SlowReader));
    fanout.went(Rendering::Page { limit: 1 }, None);
    let mut delivered = Delivered::default();
    delivered.one(Rendering::Sse, true);
    delivered.one(Rendering::Socket, true);
    delivered.one(Rendering::Socket, false);
    fanout.delivered(3, &delivered, Some(Duration::from_millis(2)));
    has(&metrics, r#"chat_listeners{transport="sse"} 1"#);
    has(&metrics, r#"chat_listeners{transport="websocket"} 1"#);
    has(&metrics, r#"chat_listeners{transport="long_poll"} 0"#);
    has(&metrics, r#"chat_listeners_ended_total{reason="slow_reader"} 1"#);
    has(&metrics, r#"chat_listeners_ended_total{reason="answered"} 1"#);
    has(&metrics, r#"chat_deliveries_total{transport="websocket"} 1"#);
    has(&metrics, "chat_delivery_batch_messages_sum 3.0");
    has(&metrics, r#"chat_delivery_lag_seconds_bucket{le="0.0025"} 1"#);
}

#[test]
fn redis_is_up_or_down_only_where_there_is_to_be_one() {
    let metrics = Metrics::new();
    assert!(!metrics.render().contains("chat_redis_up{"), "nothing to warn of");
    metrics.bus.set_up("ours", false);
    has(&metrics, r#"chat_redis_up{channel="ours"} 0"#);
    metrics.bus.set_up("ours", true);
    has(&metrics, r#"chat_redis_up{channel="ours"} 1"#);
}

#[test]
fn who_is_turned_away_is_counted_by_the_limit() {
    let metrics = Metrics::new();
    metrics.access.limited(Limit::User);
    metrics.access.limited(Limit::RefusedTokens);
    metrics.access.limited(Limit::RefusedTokens);
    has(&metrics, r#"chat_limited_total{limit="user"} 1"#);
    has(&metrics, r#"chat_limited_total{limit="refused_tokens"} 2"#);
    has(&metrics, "chat_jwks_keys 0");
}

#[test]
fn the_process_tells_of_itself_by_the_names_that_every_client_has() {
    let metrics = Metrics::new();
    let text = metrics.render();
    for name in [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_start_time_seconds",
    ] {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        assert!(line.is_some_and(|value| value.parse::<f64>().unwrap() > 0.0), "no {name} in\n{text}");
    }
    has(&metrics, concat!("chat_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"));
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn every_figure_is_explained_to_whoever_runs_the_server() {
    let documented = include_str!("../../../docs/operations.md");
    let text = Metrics::new().render();
    let figures = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut count = 0;
    for figure in figures {
        let (name, kind) = figure.split_once(' ').unwrap();
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        assert!(documented.contains(&format!("`{name}{suffix}")), "{name}{suffix} is missing");
        count += 1;
    }
    assert!(count > 20, "{count}");
}
