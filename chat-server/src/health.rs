//! `chat-server health`: asks a running server whether it lives, where there is no curl, as in a container.

use crate::cli::Health;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Below the 3 s that the container's own check gives.
const PATIENCE: Duration = Duration::from_secs(2);

/// `Ok` when it lives.
///
/// # Errors
/// Says why it seems not to.
pub fn ask(options: &Health) -> Result<(), String> {
    let address = match (options.metrics_listen, &options.tls_cert) {
        (Some(address), _) => address,
        (None, None) => options.listen,
        (None, Some(_)) => return Err("a server with TLS can be asked at its --metrics-listen alone".into()),
    };
    let address = reachable(address);
    let status = status(address).map_err(|error| format!("{address} does not answer: {error}"))?;
    match status.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(format!("{address} answers {}", status.trim_end())),
    }
}

/// Who listens everywhere is at home, too.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn status(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line)
}
