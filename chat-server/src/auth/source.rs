//! Where keys are read: a file, or an issuer's web server.

use crate::outbound;
use reqwest::{Client, Url};
use std::fmt;
use std::io::Read;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use tokio_rustls::rustls::pki_types::CertificateDer;

/// Whoever asks waits for it, and a client gives up after ten seconds.
const TIMEOUT: Duration = Duration::from_secs(5);

/// 32 keys of RSA with their certificates have a hundred kilobytes.
const MOST_BYTES: usize = 256 << 10;

/// What `--jwks` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, which is read anew as a URL is.
    File(PathBuf),
    /// `https`, or `http` on this machine.
    Url(Url),
}

/// Not a place for keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotASource;

impl fmt::Display for NotASource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "keys come from a file or an https:// URL; over http:// from this machine alone, as whoever is in \
             between could put in keys of its own",
        )
    }
}

impl std::error::Error for NotASource {}

impl FromStr for Source {
    type Err = NotASource;

    fn from_str(given: &str) -> Result<Self, NotASource> {
        if !given.contains("://") {
            return if given.is_empty() { Err(NotASource) } else { Ok(Source::File(given.into())) };
        }
        let url: Url = given.parse().map_err(|_| NotASource)?;
        match url.scheme() {
            "https" => Ok(Source::Url(url)),
            "http" if is_this_machine(&url) => Ok(Source::Url(url)),
            _ => Err(NotASource),
        }
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

impl fmt::Display for Source {
    /// Without what may be secret in a URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File(path) => write!(f, "{}", path.display()),
            Source::Url(url) => {
                write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or_default())?;
                url.port().map_or(Ok(()), |port| write!(f, ":{port}"))?;
                f.write_str(url.path())
            }
        }
    }
}

/// Reads a source.
pub(super) struct Reader {
    pub(super) source: Source,
    http: Client,
}

impl Reader {
    /// Trusts the authorities that browsers trust, and `authority`.
    pub(super) fn new(source: Source, authority: &[CertificateDer<'static>]) -> Result<Self, String> {
        let why = |error: &dyn fmt::Display| format!("cannot read keys: {error}");
        let mut builder = outbound::client(authority).map_err(|error| why(&error))?.timeout(TIMEOUT);
        if matches!(&source, Source::Url(url) if is_this_machine(url)) {
            builder = builder.no_proxy();
        }
        Ok(Self { source, http: builder.build().map_err(|error| why(&error))? })
    }

    /// Over the network, where what fails may be better in a moment.
    pub(super) fn is_remote(&self) -> bool {
        matches!(self.source, Source::Url(_))
    }

    /// All of it.
    pub(super) async fn read(&self) -> Result<Vec<u8>, String> {
        match &self.source {
            Source::Url(url) => self.fetch(url.clone()).await,
            Source::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || {
                    let mut read = vec![];
                    std::fs::File::open(path)?.take(MOST_BYTES as u64 + 1).read_to_end(&mut read)?;
                    std::io::Result::Ok(read)
                });
                let read = tokio::time::timeout(TIMEOUT, read).await.map_err(|_| "it takes too long")?;
                let read = read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
                if read.len() > MOST_BYTES { Err(too_large()) } else { Ok(read) }
            }
        }
    }

    async fn fetch(&self, url: Url) -> Result<Vec<u8>, String> {
        let request = self.http.get(url).header("accept", "application/jwk-set+json, application/json");
        let mut answer = request.send().await.map_err(|error| cause(&error.without_url()))?;
        if answer.status() != 200 {
            return Err(format!("it answers {}", answer.status().as_u16()));
        }
        let mut read = vec![];
        while let Some(piece) = answer.chunk().await.map_err(|error| cause(&error.without_url()))? {
            read.extend_from_slice(&piece);
            if read.len() > MOST_BYTES {
                return Err(too_large());
            }
        }
        Ok(read)
    }
}

fn too_large() -> String {
    format!("it has more than {MOST_BYTES} bytes")
}

/// The innermost reason: those around it only say that a request failed.
fn cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_by_https_from_this_machine_or_out_of_a_file() {
        for good in [
            "https://issuer.example/jwks.json",
            "http://127.0.0.1:8000/jwks",
            "http://[::1]/jwks",
            "http://localhost:8000/",
            "/etc/chat/jwks.json",
            "jwks.json",
        ] {
            assert!(good.parse::<Source>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "http://issuer.example/jwks",
            "http://127.0.0.1.example/",
            "http://localhost.example/",
            "file:///etc/x",
            "ftp://x/",
            "https://",
        ] {
            assert_eq!(bad.parse::<Source>(), Err(NotASource), "{bad}");
        }
    }

    #[test]
    fn what_a_url_hides_is_not_shown() {
        let source: Source = "https://me:hidden@issuer.example:8443/jwks?key=hidden".parse().unwrap();
        assert_eq!(source.to_string(), "https://issuer.example:8443/jwks");
    }
}
