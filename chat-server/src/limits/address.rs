//! Whom a request is from: the connection's other end, or what a trusted proxy says of it.
//!
//! Each proxy appends the address that it was asked from, so the header is read from the right, for as long as
//! it was a trusted proxy that wrote. What stands further to the left the client may have made up, bytes and quotes that
//! are none included: it is not even looked at. Where a trusted proxy wrote what is no address, the proxy itself counts
//! as the client: nobody goes without a limit because somebody cannot be read.

use axum::http::header::FORWARDED;
use axum::http::{HeaderMap, HeaderName};
use clap::ValueEnum;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What counts as one address: with IPv6 the 64 bits that a subscriber is given at the least (RFC 6177), since
/// it may take another of those addresses for each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Network {
    V4(Ipv4Addr),
    V6(u64),
}

impl Network {
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Network::V4(address),
            IpAddr::V6(address) => Network::V6((address.to_bits() >> 64) as u64),
        }
    }
}

/// Whom a request is from, as far as limits go. Default: somebody who is not limited.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Client(Option<Network>);

impl Client {
    pub(super) fn network(self) -> Option<Network> {
        self.0
    }
}

/// The header in which proxies name the client. One, since a proxy sets one and passes on the other as the
/// client wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ProxyHeader {
    /// What nearly all of them write.
    #[default]
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

/// The proxies whose word counts.
pub struct Proxies {
    trusted: Vec<IpNet>,
    header: ProxyHeader,
}

impl Proxies {
    /// `trusted`, and the header that they write.
    pub fn new(trusted: Vec<IpNet>, header: ProxyHeader) -> Self {
        Self { trusted, header }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// As which network an address is limited. A trusted proxy is not, being many clients; nor is this machine:
    /// it is a proxy before us, or somebody who could do worse.
    pub(super) fn limited(&self, address: IpAddr) -> Option<Network> {
        let free = address.to_canonical().is_loopback() || self.trusts(address);
        (!free).then(|| Network::of(address))
    }

    /// Whom a request is from that came from `peer`.
    pub(super) fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Client {
        let Some(mut address) = peer else { return Client::default() };
        let (mut said, mut named) = (self.said(headers).into_iter(), false);
        while self.trusts(address) {
            match said.next() {
                Some(Some(before)) => (address, named) = (before, true),
                // Written in place of an address: who is behind it is not known, and limited all the same.
                Some(None) => return Client(Some(Network::of(address))),
                // The proxy asks for itself.
                None => break,
            }
        }
        // The loopback that a proxy names is the proxy's, not ours.
        let far = named && !self.trusts(address);
        Client(if far { Some(Network::of(address)) } else { self.limited(address) })
    }

    /// Whether `peer` writes what a proxy writes, and none was named. Whoever is out on the open network may write
    /// that, too, and means nothing by it.
    pub(super) fn is_unnamed(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let near = match peer.to_canonical() {
            IpAddr::V4(address) => address.is_loopback() || address.is_private(),
            IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
        };
        near && !self.trusts(peer)
            && (headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED))
    }

    /// The addresses of the header, from right to left.
    fn said(&self, headers: &HeaderMap) -> Vec<Option<IpAddr>> {
        if self.trusted.is_empty() {
            return vec![];
        }
        let name = match self.header {
            ProxyHeader::XForwardedFor => X_FORWARDED_FOR,
            ProxyHeader::Forwarded => FORWARDED,
        };
        let read = |element: &[u8]| match self.header {
            ProxyHeader::XForwardedFor => address(element),
            ProxyHeader::Forwarded => forwarded(element),
        };
        let values: Vec<_> = headers.get_all(name).into_iter().collect();
        values.iter().rev().flat_map(|value| from_the_right(value.as_bytes(), b',')).map(read).collect()
    }
}

/// The parts of a list, from right to left; a `separator` within quotes (RFC 9110, 5.6.4) separates nothing. What our
/// proxy appended is whole, so that from the right a quote which somebody before it never closed takes nothing in.
fn from_the_right(list: &[u8], separator: u8) -> Vec<&[u8]> {
    let (mut parts, mut end, mut quoted) = (vec![], list.len(), false);
    for (at, byte) in list.iter().enumerate().rev() {
        let escaped = || list[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
        if *byte == b'"' && !escaped() {
            quoted = !quoted;
        } else if *byte == separator && !quoted {
            parts.push(&list[at + 1..end]);
            end = at;
        }
    }
    parts.push(&list[..end]);
    parts
}

/// `192.0.2.1`, `2001:db8::1`, and either with a port.
fn address(said: &[u8]) -> Option<IpAddr> {
    let said = std::str::from_utf8(said).ok()?.trim();
    let bare = said.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(said);
    bare.parse().ok().or_else(|| said.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// The `for` of an element of `Forwarded` (RFC 7239, 4).
fn forwarded(element: &[u8]) -> Option<IpAddr> {
    // Other pairs may hold what the client wrote, such as its `Host`.
    let pairs = from_the_right(element, b';').into_iter().filter_map(|pair| std::str::from_utf8(pair).ok());
    let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    let (_, node) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    address(node.trim().trim_matches('"').as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn client(proxies: &Proxies, peer: &str, headers: &[(&'static str, &str)]) -> Option<Network> {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        client_of_bytes(proxies, peer, &headers)
    }

    fn client_of_bytes(proxies: &Proxies, peer: &str, headers: &[(&'static str, &[u8])]) -> Option<Network> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap()))
            .fold(HeaderMap::new(), |mut all, (name, value)| {
                all.append(name, value);
                all
            });
        proxies.client(Some(peer.parse().unwrap()), &headers).network()
    }

    fn network(address: &str) -> Option<Network> {
        Some(Network::of(address.parse().unwrap()))
    }

    fn proxies(header: ProxyHeader) -> Proxies {
        Proxies::new(vec!["10.0.0.0/8".parse().unwrap(), "2001:db8:ffff::/48".parse().unwrap()], header)
    }

    #[test]
    fn what_a_stranger_says_of_itself_is_not_heard() {
        let nobody = Proxies::new(vec![], ProxyHeader::default());
        for proxies in [nobody, proxies(ProxyHeader::XForwardedFor)] {
            let said = client(&proxies, "192.0.2.7", &[("x-forwarded-for", "198.51.100.1")]);
            assert_eq!(said, network("192.0.2.7"));
        }
    }

    #[test]
    fn the_rightmost_that_no_proxy_of_ours_has_is_the_client() {
        let proxies = proxies(ProxyHeader::XForwardedFor);
        for (said, whom) in [
            ("198.51.100.1", "198.51.100.1"),
            ("1.1.1.1, 198.51.100.1", "198.51.100.1"),
            ("10.9.9.9, 198.51.100.1", "198.51.100.1"),
            ("198.51.100.1, 10.1.2.3", "198.51.100.1"),
            ("127.0.0.1, 198.51.100.1, 10.1.2.3", "198.51.100.1"),
            (" 198.51.100.1:4711 , 2001:db8:ffff::7", "198.51.100.1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::2"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
            ("198.51.100.1, 127.0.0.1", "127.0.0.1"),
        ] {
            assert_eq!(client(&proxies, "10.0.0.1", &[("x-forwarded-for", said)]), network(whom), "{said}");
            assert_eq!(client(&proxies, "::ffff:10.0.0.1", &[("x-forwarded-for", said)]), network(whom));
        }
        let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.1")];
        assert_eq!(client(&proxies, "10.0.0.1", &lines), network("198.51.100.1"), "two headers are one list");
    }

    #[test]
    fn what_is_no_address_counts_as_the_proxy_that_wrote_it_and_only_the_header_named_is_read() {
        let proxy = network("10.0.0.1");
        let (simple, rfc) = (proxies(ProxyHeader::XForwardedFor), proxies(ProxyHeader::Forwarded));
        for said in ["", "unknown", "198.51.100.1, x", "198.51.100.1, 300.1.1.1", "198.51.100.1,"] {
            assert_eq!(client(&simple, "10.0.0.1", &[("x-forwarded-for", said)]), proxy, "{said}");
        }
        for (said, whom) in [
            ("for=198.51.100.1;proto=https;by=10.0.0.1", "198.51.100.1"),
            ("for=1.1.1.1, FOR=\"198.51.100.1:80\"", "198.51.100.1"),
            ("proto=http ; For=\"[2001:db8::1]:4711\"", "2001:db8::1"),
        ] {
            assert_eq!(client(&rfc, "10.0.0.1", &[("forwarded", said)]), network(whom), "{said}");
        }
        for said in ["for=unknown", "for=_hidden", "by=198.51.100.1"] {
            assert_eq!(client(&rfc, "10.0.0.1", &[("forwarded", said)]), proxy, "{said}");
        }
        let both = [("forwarded", "for=198.51.100.1"), ("x-forwarded-for", "198.51.100.2")];
        assert_eq!(client(&simple, "10.0.0.1", &both), network("198.51.100.2"));
        assert_eq!(client(&rfc, "10.0.0.1", &both), network("198.51.100.1"));
        let far = client(&simple, "10.0.0.1", &[("x-forwarded-for", "198.51.100.1, unknown, 10.1.2.3")]);
        assert_eq!(far, network("10.1.2.3"), "the one that wrote it");
    }

    #[test]
    fn bytes_that_are_no_text_hide_nobody() {
        let (simple, rfc) = (proxies(ProxyHeader::XForwardedFor), proxies(ProxyHeader::Forwarded));
        for (said, whom) in [
            (&b"\xe9, 198.51.100.1"[..], "198.51.100.1"),
            (b"\xe9", "10.0.0.1"),
            (b"198.51.100.1, \xe9", "10.0.0.1"),
        ] {
            assert_eq!(client_of_bytes(&simple, "10.0.0.1", &[("x-forwarded-for", said)]), network(whom));
        }
        for said in [&b"for=\xe9, for=198.51.100.1"[..], b"for=198.51.100.1;host=\"\xe9\""] {
            assert_eq!(client_of_bytes(&rfc, "10.0.0.1", &[("forwarded", said)]), network("198.51.100.1"));
        }
    }

    #[test]
    fn what_is_quoted_is_one_thing_and_a_quote_that_is_open_takes_in_nothing_of_the_proxys() {
        let rfc = proxies(ProxyHeader::Forwarded);
        for said in [
            r#"for=198.51.100.1;host="x, for=203.0.113.1""#,
            r#"host="x;for=203.0.113.1";for=198.51.100.1"#,
            r#"for=198.51.100.1;host="a\"b, for=203.0.113.1""#,
            r#"for=203.0.113.1, host="a\\";for="198.51.100.1""#,
            r#"for="203.0.113.1, for=198.51.100.1"#,
            r#"for=203.0.113.1;by=", for=198.51.100.1;host="x""#,
        ] {
            assert_eq!(client(&rfc, "10.0.0.1", &[("forwarded", said)]), network("198.51.100.1"), "{said}");
        }
    }

    #[test]
    fn this_machine_and_the_proxies_themselves_are_no_clients() {
        let proxies = proxies(ProxyHeader::XForwardedFor);
        for peer in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.0.0.1"] {
            assert_eq!(client(&proxies, peer, &[]), None, "{peer}");
        }
        assert_eq!(client(&proxies, "127.0.0.1", &[("x-forwarded-for", "198.51.100.1")]), None, "not named");
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_address() {
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
