//! The connection under a WebSocket: plain, or TLS of the server's own.

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_rustls::server::TlsStream;

/// Where frames are written.
pub(super) enum Wire {
    /// TCP, into which anybody may write at once.
    Plain(OwnedWriteHalf),
    /// TLS, which the connection's task alone writes to.
    Tls(WriteHalf<TlsStream<TcpStream>>),
}

/// Where frames are read.
pub(super) enum Source {
    Plain(OwnedReadHalf),
    Tls(ReadHalf<TlsStream<TcpStream>>),
}

/// A connection, and what was read of it already.
pub(super) struct Connection {
    pub(super) source: Source,
    pub(super) wire: Wire,
    /// A copy: hyper's own buffer is 8 KB, which would be held for as long as the connection lives.
    pub(super) read: Vec<u8>,
}

impl Connection {
    /// Whether whoever has a frame may write it.
    pub(super) fn is_direct(&self) -> bool {
        matches!(self.wire, Wire::Plain(_))
    }
}

/// Takes the connection back from hyper, with what it has read beyond the handshake. `None` for a
/// connection that is not one of [`crate::serve`]'s.
pub(super) fn take(upgraded: Upgraded) -> Option<Connection> {
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => {
            let (read, write) = parts.io.into_inner().into_split();
            let (source, wire) = (Source::Plain(read), Wire::Plain(write));
            return Some(Connection { source, wire, read: parts.read_buf.to_vec() });
        }
        Err(upgraded) => upgraded,
    };
    let parts = upgraded.downcast::<TokioIo<TlsStream<TcpStream>>>().ok()?;
    let (read, write) = tokio::io::split(parts.io.into_inner());
    Some(Connection { source: Source::Tls(read), wire: Wire::Tls(write), read: parts.read_buf.to_vec() })
}

impl Wire {
    /// Writes what can be written without waiting.
    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(tcp) => tcp.try_write(bytes),
            Wire::Tls(_) => Err(ErrorKind::WouldBlock.into()),
        }
    }

    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self {
            Wire::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, slices),
            Wire::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, slices),
        }
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Wire::Tls(tls) => Pin::new(tls).poll_flush(cx),
            Wire::Plain(_) => Poll::Ready(Ok(())),
        }
    }

    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Wire::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Wire::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}

impl Source {
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        let read = match self {
            Source::Plain(tcp) => Pin::new(tcp).poll_read(cx, &mut buffer),
            Source::Tls(tls) => Pin::new(tls).poll_read(cx, &mut buffer),
        };
        read.map_ok(|()| buffer.filled().len())
    }
}
