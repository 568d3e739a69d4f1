//! An issuer's web server, which counts who asks and answers what it is told to.

use super::keys::Key;
use super::set;
use crate::tls::SelfSigned;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, crypto::ring};

#[derive(Default)]
struct State {
    answer: Mutex<String>,
    asked: AtomicUsize,
    down: AtomicBool,
}

pub(super) struct Issuer {
    pub(super) url: String,
    state: Arc<State>,
    signed: Option<SelfSigned>,
    /// Of its own, since a test waits for its server to start, which waits for keys.
    runtime: Option<Runtime>,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Issuer {
    pub(super) async fn new(keys: &[Key]) -> Self {
        Self::start(keys, None).await
    }

    pub(super) async fn new_with_tls(keys: &[Key]) -> Self {
        Self::start(keys, Some(SelfSigned::new())).await
    }

    async fn start(keys: &[Key], signed: Option<SelfSigned>) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.spawn(TcpListener::bind("127.0.0.1:0")).await.unwrap().unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = match signed {
            Some(_) => format!("https://localhost:{port}/jwks.json"),
            None => format!("http://127.0.0.1:{port}/jwks.json"),
        };
        let tls = signed.as_ref().map(acceptor);
        let mut issuer = Self { url, state: Arc::default(), signed, runtime: None };
        issuer.publish(keys);
        let state = Arc::clone(&issuer.state);
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (state, tls) = (Arc::clone(&state), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                answer(stream, &state).await;
                            }
                        }
                        None => answer(stream, &state).await,
                    }
                });
            }
        });
        issuer.runtime = Some(runtime);
        issuer
    }

    /// From now on its keys are these.
    pub(super) fn publish(&self, keys: &[Key]) {
        self.answer("200 OK", &set(keys));
    }

    /// From now on this is what it answers.
    pub(super) fn answer(&self, status: &str, body: &str) {
        let length = body.len();
        *self.state.answer.lock().unwrap() =
            format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    }

    /// Hangs up on whoever asks, or not.
    pub(super) fn be_down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
    }

    pub(super) fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// The certificate to trust.
    pub(super) fn authority(&self) -> PathBuf {
        self.signed.as_ref().unwrap().cert()
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, state: &State) {
    state.asked.fetch_add(1, Ordering::SeqCst);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    if !state.down.load(Ordering::SeqCst) {
        let answer = state.answer.lock().unwrap().clone();
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}

fn acceptor(signed: &SelfSigned) -> TlsAcceptor {
    let key = PrivateKeyDer::try_from(signed.certified.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.certified.cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
