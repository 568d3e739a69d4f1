//! Spans leave in batches, over OTLP/HTTP, by a task of their own.
//!
//! Nothing waits for the collector: when it is away or slow, spans are dropped, and counted.

use super::Traces;
use crate::metrics::Metrics;
use crate::outbound;
use opentelemetry::Context;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanExporter as _, SpanProcessor};
use prometheus_client::metrics::counter::Counter;
use reqwest::Url;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

/// Spans that wait: some seconds of a busy server.
const QUEUE: usize = 8_192;

/// Spans in one request, as OpenTelemetry's own default is.
const BATCH: usize = 512;

/// How long the first span of a batch waits for others.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the last spans may take when the server ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// Spans on their way to a collector.
#[derive(Debug)]
pub struct Exporting {
    provider: SdkTracerProvider,
    task: JoinHandle<()>,
}

impl Exporting {
    /// To the collector at `endpoint`, such as `http://localhost:4318`. From within the runtime.
    ///
    /// # Errors
    /// Says what is wrong with the address.
    pub fn to(endpoint: &Url, metrics: &Metrics) -> Result<Self, String> {
        let why = |error: &dyn std::fmt::Display| format!("cannot send traces: {error}");
        let client = outbound::client(&[]).map_err(|error| why(&error))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client.build().map_err(|error| why(&error))?)
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(PATIENCE)
            .with_endpoint(format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/')))
            .build()
            .map_err(|error| why(&error))?;
        let (spans, waiting) = channel(QUEUE);
        let queue = Queue { spans, dropped: metrics.spans_dropped.clone() };
        let resource = Resource::builder()
            .with_service_name("chat-server")
            .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider =
            SdkTracerProvider::builder().with_resource(resource.clone()).with_span_processor(queue).build();
        Ok(Self { provider, task: tokio::spawn(export(exporter, resource, waiting)) })
    }

    /// Where spans are made.
    pub fn traces(&self) -> Traces {
        Traces::new(&self.provider)
    }

    /// Sends what is left, if the collector takes it soon.
    pub async fn end(self) {
        let Self { provider, mut task } = self;
        let _ = provider.shutdown();
        if timeout(FAREWELL, &mut task).await.is_err() {
            task.abort();
            tracing::debug!("the last spans are dropped");
        }
    }
}

/// Takes spans that have ended.
#[derive(Debug)]
struct Queue {
    spans: Sender<Spans>,
    dropped: Counter,
}

#[derive(Debug)]
enum Spans {
    One(Box<SpanData>),
    End,
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        // Full: the collector does not keep up.
        if self.spans.try_send(Spans::One(Box::new(span))).is_err() {
            self.dropped.inc();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        let _ = self.spans.try_send(Spans::End);
        Ok(())
    }
}

async fn export(mut exporter: SpanExporter, resource: Resource, mut waiting: Receiver<Spans>) {
    exporter.set_resource(&resource);
    let (mut taken, mut failing) = (Vec::new(), false);
    loop {
        let ended = |taken: &[Spans]| taken.iter().any(|span| matches!(span, Spans::End));
        let mut more = waiting.recv_many(&mut taken, BATCH).await;
        let due = Instant::now() + PAUSE;
        while more > 0 && taken.len() < BATCH && !ended(&taken) {
            let most = BATCH - taken.len();
            more = timeout_at(due, waiting.recv_many(&mut taken, most)).await.unwrap_or(0);
        }
        let end = taken.is_empty() || ended(&taken);
        let batch: Vec<_> = taken.drain(..).filter_map(Spans::one).collect();
        if !batch.is_empty() {
            let outcome = exporter.export(batch).await;
            // Said once for each time that it stops working.
            if let (Err(error), false) = (&outcome, failing) {
                tracing::warn!(%error, "the collector takes no traces");
            }
            failing = outcome.is_err();
        }
        if end {
            return;
        }
    }
}

impl Spans {
    fn one(self) -> Option<SpanData> {
        match self {
            Self::One(span) => Some(*span),
            Self::End => None,
        }
    }
}
