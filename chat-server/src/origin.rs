//! Which pages may come in: the `Origin` allow-list (RFC 6455, 10.2; for CORS, `headers`).
//!
//! A browser lets any page open a WebSocket to any server and says in `Origin` which page it is. Only
//! those that `--allow-origin` names are let in, and the server's own while it serves one. Whoever sends no `Origin` is no browser and passes:
//! an app could write into that header what it likes, so there is nothing to learn from it.

use std::fmt;
use std::str::FromStr;

/// An origin as RFC 6454 compares it: scheme and host in small letters, and the port, the scheme's own
/// where none is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `null`: a page from a file, a sandbox or a redirect. Many pages share it.
    Opaque,
    /// `scheme://host[:port]`.
    Named {
        /// Such as `https`.
        scheme: String,
        /// A name, an IPv4 address or an IPv6 address in brackets.
        host: String,
        /// None for a scheme without a port of its own, such as an app's.
        port: Option<u16>,
    },
}

/// Not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnOrigin;

impl fmt::Display for NotAnOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an origin looks like https://chat.example or http://localhost:3000, with nothing after it",
        )
    }
}

impl std::error::Error for NotAnOrigin {}

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(given: &str) -> Result<Self, NotAnOrigin> {
        if given == "null" {
            return Ok(Origin::Opaque);
        }
        let (scheme, authority) = given.split_once("://").ok_or(NotAnOrigin)?;
        // An IPv6 address holds colons of its own, before its bracket.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        if !is_scheme(scheme) || !is_host(host) {
            return Err(NotAnOrigin);
        }
        let scheme = scheme.to_ascii_lowercase();
        let port = match port {
            None => default_port(&scheme),
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().map_err(|_| NotAnOrigin)?)
            }
            Some(_) => return Err(NotAnOrigin),
        };
        Ok(Origin::Named { scheme, host: host.to_ascii_lowercase(), port })
    }
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// As a browser writes it: names of other scripts come in their ASCII form (`xn--…`).
fn is_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(address) => {
            address.strip_suffix(']').is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())
        }
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        }
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

impl Origin {
    /// Whether a page of this origin came from the server that is asked, which `host` names (the request's
    /// `Host`): the same name and port. The scheme is the browser's to know: behind a proxy that ends TLS we
    /// cannot tell.
    pub fn is_of(&self, host: &[u8]) -> bool {
        let Origin::Named { scheme, .. } = self else { return false };
        let host = std::str::from_utf8(host).ok().and_then(|host| format!("{scheme}://{host}").parse().ok());
        matches!(scheme.as_str(), "http" | "https") && host.as_ref() == Some(self)
    }
}

/// The origins that are let in. None at all, unless named.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<Origin>);

impl Origins {
    /// Lets `allowed` in.
    pub fn new(allowed: Vec<Origin>) -> Self {
        Self(allowed)
    }

    /// Nobody is let in.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the value of a request's `Origin` is on the list. What is no origin, or is several, is not.
    pub fn allow(&self, header: &[u8]) -> bool {
        let origin = std::str::from_utf8(header).ok().and_then(|value| value.parse().ok());
        origin.is_some_and(|origin: Origin| self.0.contains(&origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(listed: &str, header: &str) -> bool {
        Origins::new(vec![listed.parse().unwrap()]).allow(header.as_bytes())
    }

    #[test]
    fn an_origin_is_its_scheme_host_and_port_and_no_case() {
        for (listed, same) in [
            ("https://chat.example", "https://chat.example"),
            ("https://Chat.Example", "HTTPS://chat.EXAMPLE"),
            ("https://chat.example:443", "https://chat.example"),
            ("http://chat.example", "http://chat.example:80"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("https://[2001:DB8::1]", "https://[2001:db8::1]:443"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("null", "null"),
        ] {
            assert!(allows(listed, same), "{listed} {same}");
        }
    }

    #[test]
    fn anything_else_about_it_makes_it_another() {
        for other in [
            "http://chat.example",
            "https://chat.example:8443",
            "https://example",
            "https://a.chat.example",
            "https://chat.example.evil",
            "https://chat.example/",
            "https://chat.example@evil.example",
            "https://chat.example https://evil.example",
            "https://evil.example https://chat.example",
            "https://chat.example, https://chat.example",
            "https://",
            "chat.example",
            "//chat.example",
            " https://chat.example",
            "https://chat.example:",
            "https://chat.example:+443",
            "https://chat.example:65979", // 443 + 65,536
            "null",
            "NULL",
            "",
            "*",
        ] {
            assert!(!allows("https://chat.example", other), "{other}");
            assert!(!Origins::default().allow(other.as_bytes()), "{other}");
        }
        assert!(!Origins::default().allow(b"https://chat.example"));
        assert!(!Origins::new(vec!["https://a".parse().unwrap()]).allow(b"https://\xff"));
    }

    #[test]
    fn a_page_of_this_server_has_its_name_and_port() {
        let is_of = |origin: &str, host: &str| origin.parse::<Origin>().unwrap().is_of(host.as_bytes());
        for (origin, host) in [
            ("https://chat.example", "chat.example"),
            ("https://chat.example", "CHAT.example:443"),
            ("http://localhost:8080", "localhost:8080"),
            ("http://[::1]:8080", "[::1]:8080"),
        ] {
            assert!(is_of(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("https://evil.example", "chat.example"),
            ("https://chat.example", "chat.example:8443"),
            ("http://localhost:3000", "localhost:8080"),
            ("https://chat.example.evil", "chat.example"),
            ("capacitor://localhost", "localhost"),
            ("null", "null"),
            ("https://chat.example", ""),
            ("https://chat.example", "chat.example/"),
        ] {
            assert!(!is_of(origin, host), "{origin} {host}");
        }
    }

    #[test]
    fn what_is_no_origin_cannot_be_listed() {
        for not in [
            "*",
            "chat.example",
            "https://chat.example/",
            "https://*.chat.example",
            "https://chat.example/app",
        ] {
            assert_eq!(not.parse::<Origin>(), Err(NotAnOrigin), "{not}");
        }
    }
}
