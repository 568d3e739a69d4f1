//! TLS of the server's own.

use crate::common::{DEADLINE, LONG_DRAIN, SECRET, Server, token};
use crate::process::run;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use reqwest::{Certificate, Client, Version};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::TempDir;

/// A certificate for `localhost` that signs itself, in files.
pub(crate) struct SelfSigned {
    folder: TempDir,
    pub(crate) certified: CertifiedKey<KeyPair>,
}

impl SelfSigned {
    pub(crate) fn new() -> Self {
        let certified = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let made = Self { folder: tempfile::tempdir().unwrap(), certified };
        std::fs::write(made.cert(), made.certified.cert.pem()).unwrap();
        std::fs::write(made.key(), made.certified.signing_key.serialize_pem()).unwrap();
        made
    }

    pub(crate) fn cert(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    pub(crate) fn serve(&self, options: &[&str]) -> Server {
        let (cert, key) = (self.cert(), self.key());
        let files = ["--tls-cert", cert.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
        Server::start_with(&[&files, options].concat())
    }
}

/// By the name that the certificate is for.
fn localhost(server: &Server, path: &str) -> String {
    server.url.replace("127.0.0.1", "localhost") + path
}

fn client(signed: &SelfSigned, with: fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> Client {
    let trusted = Certificate::from_der(signed.certified.cert.der()).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    with(Client::builder().no_proxy().timeout(DEADLINE).tls_certs_only([trusted])).build().unwrap()
}

#[tokio::test]
async fn https_is_served_in_both_versions_of_http_and_the_first_line_says_so() {
    let signed = SelfSigned::new();
    let server = signed.serve(&[]);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    for (http, version) in [
        (client(&signed, |builder| builder), Version::HTTP_2),
        (client(&signed, |builder| builder.http1_only()), Version::HTTP_11),
    ] {
        let rooms = http.get(localhost(&server, "/v1/rooms")).bearer_auth(token("alice"));
        let answer = rooms.send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
    }
    // Who does not trust it is not served, and the server goes on.
    let stranger = client(&SelfSigned::new(), |builder| builder);
    assert!(stranger.get(localhost(&server, "/healthz")).send().await.is_err());
    let answer = client(&signed, |builder| builder).get(localhost(&server, "/healthz")).send().await;
    assert_eq!(answer.unwrap().status(), 200);
    assert_eq!(server.stop().status.code(), Some(0));
}

#[test]
fn who_never_finishes_the_handshake_is_closed() {
    let server = SelfSigned::new().serve(&[]);
    let mut silent = TcpStream::connect(server.address()).unwrap();
    let mut plain = TcpStream::connect(server.address()).unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    for socket in [&mut silent, &mut plain] {
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut heard = Vec::new();
        match socket.read_to_end(&mut heard) {
            Ok(_) => assert!(!heard.starts_with(b"HTTP"), "{heard:?}"), // an alert at most
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection is still open: {error}"),
        }
    }
}

#[tokio::test]
async fn who_stalls_the_handshake_does_not_hold_up_the_end() {
    let signed = SelfSigned::new();
    let server = signed.serve(&LONG_DRAIN);
    let _silent = TcpStream::connect(server.address()).unwrap();
    // Served after it.
    let answer =
        client(&signed, |builder| builder.http1_only()).get(localhost(&server, "/healthz")).send().await;
    assert_eq!(answer.unwrap().status(), 200);
    assert_eq!(server.stop().status.code(), Some(0), "the drain waited for nobody");
}

/// A new certificate in the same files.
fn renewed(signed: SelfSigned) -> SelfSigned {
    let certified = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let renewed = SelfSigned { certified, ..signed };
    std::fs::write(renewed.cert(), renewed.certified.cert.pem()).unwrap();
    std::fs::write(renewed.key(), renewed.certified.signing_key.serialize_pem()).unwrap();
    renewed
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_from_the_next_connection_on() {
    let signed = SelfSigned::new();
    let server = signed.serve(&[]);
    let (before, url) = (client(&signed, |builder| builder), localhost(&server, "/healthz"));
    assert_eq!(before.get(&url).send().await.unwrap().status(), 200);
    let signed = renewed(signed);
    server.signal("-HUP");
    let waited = Instant::now();
    // A new client each time, and with it a new connection.
    while client(&signed, |builder| builder).get(&url).send().await.is_err() {
        assert!(waited.elapsed() < DEADLINE, "the old certificate is still shown");
    }
    assert_eq!(before.get(&url).send().await.unwrap().status(), 200, "who is connected stays so");

    // A pair that does not belong together: the log says so, and nothing else changes.
    std::fs::write(signed.key(), SelfSigned::new().certified.signing_key.serialize_pem()).unwrap();
    server.signal("-HUP");
    server.has_logged("the certificate stays as it is").await;
    for _ in 0..20 {
        assert_eq!(client(&signed, |builder| builder).get(&url).send().await.unwrap().status(), 200);
    }
    let ended = server.stop();
    assert_eq!(ended.status.code(), Some(0));
    assert!(!ended.stderr.contains("PRIVATE"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_hangup_ends_nothing_where_there_is_nothing_to_read() {
    let server = Server::start();
    server.signal("-HUP");
    assert_eq!(server.user("alice").get("/v1/rooms").await.status, 200);
    assert_eq!(server.stop().status.code(), Some(0));
}

/// How the server refuses these two files.
fn refusal(cert: &Path, key: &Path) -> String {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("chat.db");
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let (code, stdout, stderr) = run(&[
        "--listen",
        "127.0.0.1:0",
        "--jwt-secret",
        SECRET,
        "--database",
        database.to_str().unwrap(),
        "--tls-cert",
        cert,
        "--tls-key",
        key,
    ]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    assert!(!database.exists(), "nothing was made");
    assert!(!stderr.contains("panic") && !stderr.contains("PRIVATE"), "{stderr}");
    stderr
}

#[test]
fn files_that_will_not_do_are_named() {
    let (signed, other) = (SelfSigned::new(), SelfSigned::new());
    let missing = signed.folder.path().join("missing.pem");
    assert!(refusal(&missing, &signed.key()).contains("missing.pem: "));
    assert!(refusal(&signed.cert(), &missing).contains("missing.pem: "));
    assert!(refusal(&signed.key(), &signed.key()).contains("key.pem holds no certificate"));
    assert!(refusal(&signed.cert(), &signed.cert()).contains("cannot read"), "a certificate is no key");
    let foreign = refusal(&signed.cert(), &other.key());
    assert!(foreign.contains("the certificate and its key cannot be used"), "{foreign}");
}

#[test]
fn a_certificate_wants_its_key_and_a_key_its_certificate() {
    for (alone, missing) in [("--tls-cert", "--tls-key <FILE>"), ("--tls-key", "--tls-cert <FILE>")] {
        let (code, stdout, stderr) = run(&[alone, "file.pem"]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""));
        assert!(stderr.contains(&format!("were not provided:\n  {missing}")), "{stderr}");
    }
}
