//! TLS of the server's own: `--tls-cert` and `--tls-key`.
//!
//! HTTP/2 and HTTP/1.1 are offered (ALPN); a WebSocket takes HTTP/1.1. Both files are read when the server starts,
//! on SIGHUP, and when they have changed, as whoever renews certificates does not know of us. New connections get
//! the new certificate, and those that are open go on. Files that will not do change nothing but the log.

use arc_swap::ArcSwap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};

/// How often the files are looked at. A certificate is renewed days before it expires.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What is wrong with the files. Never what a key holds.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that is missing, unreadable or not PEM.
    #[error("cannot read {}: {why}", .path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why.
        why: pem::Error,
    },
    /// PEM, but not of a certificate.
    #[error("{} holds no certificate", .0.display())]
    NoCertificate(PathBuf),
    /// The two do not belong together, or are of a kind that is not supported.
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// A certificate that may be another at the next connection.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: Arc<Current>,
    acceptor: TlsAcceptor,
    /// The files when they were last read.
    read: Mutex<Stamp>,
}

/// When each file was last written, and how long it is.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Tls {
    /// Reads a certificate chain, the server's own first, and its private key.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn open(certificate: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let read = stamp(certificate, key);
        let current = Arc::new(Current(ArcSwap::from_pointee(load(certificate, key)?)));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as _);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        Ok(Arc::new(Self { certificate, key, current, acceptor, read: Mutex::new(read) }))
    }

    /// For the connections.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// Reads both files anew. If they will not do, the certificate stays, and the log says why.
    pub fn reload(&self) {
        // Held until they are stored: of two who read at once, the one that read last would otherwise not always be the
        // last to store.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // Before they are read: what is written meanwhile is seen the next time.
        *read = stamp(&self.certificate, &self.key);
        match load(&self.certificate, &self.key) {
            Ok(certified) => {
                self.current.0.store(Arc::new(certified));
                tracing::info!("the certificate was read anew");
            }
            Err(error) => tracing::error!(%error, "the certificate stays as it is"),
        }
    }

    /// Reads them anew whenever one of them has changed, for as long as the server runs.
    pub async fn watch(self: Arc<Self>) {
        self.watch_every(LOOK_EVERY).await;
    }

    async fn watch_every(&self, pause: Duration) {
        loop {
            tokio::time::sleep(pause).await;
            let read = *self.read.lock().unwrap_or_else(PoisonError::into_inner);
            if stamp(&self.certificate, &self.key) != read {
                self.reload();
            }
        }
    }
}

fn stamp(certificate: &Path, key: &Path) -> Stamp {
    [certificate, key].map(|path| {
        let file = path.metadata().ok()?;
        Some((file.modified().ok()?, file.len()))
    })
}

/// Reads the files, and sees to it that they belong together.
fn load(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |why| TlsError::Unreadable { path, why }
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable(certificate))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(certificate.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
    Ok(CertifiedKey::from_der(chain, key, &ring::default_provider())?)
}

/// The certificate as it is now.
struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::generate_simple_self_signed;
    use tempfile::TempDir;
    use tokio::time::{Instant, sleep, timeout};

    const PAUSE: Duration = Duration::from_millis(10);

    fn write(folder: &TempDir) -> Vec<u8> {
        let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        made.cert.der().to_vec()
    }

    fn shown(tls: &Tls) -> Vec<u8> {
        tls.current.0.load().cert[0].to_vec()
    }

    #[cfg(unix)]
    #[test]
    fn of_two_readings_at_once_the_later_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder);
        let key = folder.path().join("key.pem");
        let tls = Tls::open(&folder.path().join("cert.pem"), &key).unwrap();
        let read = |tls: &Arc<Tls>| {
            let tls = Arc::clone(tls);
            std::thread::spawn(move || tls.reload())
        };
        // The first has read the certificate, and the key comes when somebody writes it.
        let first_key = std::fs::read(&key).unwrap();
        std::fs::remove_file(&key).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&key).status().unwrap().success());
        let first = read(&tls);
        let mut pipe = std::fs::OpenOptions::new().write(true).open(&key).unwrap(); // once it reads there
        std::fs::remove_file(&key).unwrap();
        let renewed = write(&folder);
        let second = read(&tls);
        let asked = std::time::Instant::now();
        while !second.is_finished() && asked.elapsed() < Duration::from_millis(300) {
            std::thread::yield_now();
        }
        std::io::Write::write_all(&mut pipe, &first_key).unwrap();
        drop(pipe);
        first.join().unwrap();
        second.join().unwrap();
        assert_eq!(shown(&tls), renewed);
    }

    #[tokio::test]
    async fn files_that_have_changed_are_read_without_anybody_asking_and_broken_ones_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let first = write(&folder);
        let tls = Tls::open(&folder.path().join("cert.pem"), &folder.path().join("key.pem")).unwrap();
        let watched = Arc::clone(&tls);
        let watching = tokio::spawn(async move { watched.watch_every(PAUSE).await });
        assert_eq!(shown(&tls), first);
        // Half of a pair: a certificate of another key.
        let other = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(folder.path().join("cert.pem"), other.cert.pem() + "\n").unwrap();
        let broken = stamp(&tls.certificate, &tls.key);
        let seen = async {
            while *tls.read.lock().unwrap() != broken {
                sleep(PAUSE).await;
            }
        };
        timeout(Duration::from_secs(30), seen).await.expect("nobody looks");
        assert_eq!(shown(&tls), first);
        let (second, waited) = (write(&folder), Instant::now());
        while shown(&tls) != second {
            assert!(waited.elapsed() < Duration::from_secs(30), "the old one is still shown");
            sleep(PAUSE).await;
        }
        watching.abort();
    }
}
