//! A bare connection that asks and reads one answer after the other: posts, probes, and long polls.

use anyhow::{Context, Result, ensure};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// HTTP/1.1 with keep-alive.
pub(crate) struct Line {
    stream: TcpStream,
    /// What was read and not yet taken.
    buffer: Vec<u8>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
    /// Head and body, on the wire.
    pub(crate) bytes: usize,
}

impl Line {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends a request as it is and waits for its answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<Answer> {
        let head = self.head().await?;
        let status = head.get(9..12).and_then(|code| code.parse().ok()).context("not an HTTP answer")?;
        let mut answer = Answer { status, bytes: head.len(), head, body: Vec::new() };
        let length: usize = answer.header("content-length").unwrap_or("0").parse()?;
        // A 204 has neither length nor body.
        ensure!(status == 204 || answer.header("content-length").is_some(), "a body of unknown length");
        while self.buffer.len() < length {
            self.read().await?;
        }
        answer.body = self.buffer.drain(..length).collect();
        answer.bytes += length;
        Ok(answer)
    }

    /// Takes an answer's head off the line, the blank line included.
    async fn head(&mut self) -> Result<String> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                return Ok(String::from_utf8(self.buffer.drain(..end + 4).collect())?);
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<()> {
        ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server hung up");
        Ok(())
    }

    /// Asks for a stream: its answer's head, the bytes after it that came along, and the connection.
    pub(crate) async fn into_stream(mut self, request: &[u8]) -> Result<(String, Vec<u8>, TcpStream)> {
        self.stream.write_all(request).await?;
        let head = self.head().await?;
        Ok((head, self.buffer, self.stream))
    }

    /// A connection with a receive buffer and segments as small as these, so that the kernel takes
    /// little of what is never read.
    pub(crate) async fn narrow(address: SocketAddr, buffer: u32, segment: u32) -> Result<Self> {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(buffer)?;
        socket2::SockRef::from(&socket).set_tcp_mss(segment)?;
        let stream = socket.connect(address).await?;
        Ok(Self { stream, buffer: Vec::new() })
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}
