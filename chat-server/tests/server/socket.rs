//! The WebSocket, by a client that is not ours and by bare bytes.

mod ends;
mod frames;
pub(crate) mod handshake;
mod sends;
mod slow;

use crate::common::{DEADLINE, Server, token};
use chat_protocol::{CloseCode, Message, RoomId, ServerFrame};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Error};
use tokio_tungstenite::{WebSocketStream, client_async};

/// The handshake of RFC 6455, 1.3.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

pub(crate) fn request(room: RoomId, after: i64, token: &str) -> Request {
    let mut request =
        format!("ws://localhost/v1/rooms/{room}/socket?after={after}").into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", "chat.v1".parse().unwrap());
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("still waiting for {what}"))
}

/// An open WebSocket.
pub(crate) struct Socket<S = TcpStream>(pub(crate) WebSocketStream<S>);

impl Server {
    /// Of `user` in `room`, who has seen all up to `after`.
    pub(crate) async fn socket(&self, room: RoomId, user: &str, after: i64) -> Socket {
        let tcp = TcpStream::connect(self.address()).await.unwrap();
        Socket::open(tcp, request(room, after, &token(user))).await
    }

    /// The same, for whoever writes bytes. What comes after the handshake is still to be read.
    pub(crate) async fn raw_socket(&self, room: RoomId, user: &str) -> TcpStream {
        let mut tcp = TcpStream::connect(self.address()).await.unwrap();
        let head = format!(
            "GET /v1/rooms/{room}/socket?after=0 HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: {KEY}\r\nsec-websocket-protocol: chat.v1\r\n\
             authorization: Bearer {}\r\n\r\n",
            token(user)
        );
        tcp.write_all(head.as_bytes()).await.unwrap();
        let answer = read_head(&mut tcp).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        tcp
    }
}

/// Everything up to the empty line, and nothing beyond.
pub(crate) async fn read_head(tcp: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within("a head", tcp.read_u8()).await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// A frame of a client: masked, with a mask that changes nothing.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..=125 => frame.push(0x80 | short as u8),
        middle @ 126..=0xFFFF => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// The next frame of a server's: its first byte and what it holds.
pub(crate) async fn read_frame(tcp: &mut (impl AsyncRead + Unpin)) -> (u8, Vec<u8>) {
    try_read_frame(tcp).await.unwrap()
}

/// The same of a server that may be gone.
pub(crate) async fn try_read_frame(tcp: &mut (impl AsyncRead + Unpin)) -> io::Result<(u8, Vec<u8>)> {
    within("a frame", async {
        let first = tcp.read_u8().await?;
        let length = match tcp.read_u8().await? {
            126 => u64::from(tcp.read_u16().await?),
            127 => tcp.read_u64().await?,
            short => u64::from(short), // with the mask bit it would be too long to come
        };
        let mut payload = vec![0; length as usize];
        tcp.read_exact(&mut payload).await?;
        Ok((first, payload))
    })
    .await
}

pub(crate) fn send(key: &str, text: &str) -> String {
    json!({ "type": "send", "transaction_id": key, "text": text }).to_string()
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(crate) async fn open(stream: S, request: Request) -> Self {
        Self(within("the handshake", client_async(request, stream)).await.unwrap().0)
    }

    pub(crate) async fn say(&mut self, key: &str, text: &str) {
        self.write(send(key, text)).await;
    }

    pub(crate) async fn write(&mut self, message: impl Into<tungstenite::Message>) {
        self.0.send(message.into()).await.unwrap();
    }

    /// The next thing that is no ping or pong.
    pub(crate) async fn next(&mut self) -> Result<tungstenite::Message, Error> {
        loop {
            match within("a frame", self.0.next()).await.expect("no close frame came") {
                Ok(tungstenite::Message::Ping(_) | tungstenite::Message::Pong(_)) => {}
                other => return other,
            }
        }
    }

    pub(crate) async fn frame(&mut self) -> ServerFrame {
        match self.next().await.unwrap() {
            tungstenite::Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn changes(&mut self) -> (Vec<Message>, i64) {
        match self.frame().await {
            ServerFrame::Changes { messages, cursor } => (messages, cursor.get()),
            other => panic!("{other:?}"),
        }
    }

    /// The texts of the next so many changes, however many frames they come in.
    pub(crate) async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            texts.extend(self.changes().await.0.into_iter().map(|message| message.text));
        }
        texts
    }

    /// The answers to the next so many messages; changes are passed over.
    pub(crate) async fn answers(&mut self, count: usize) -> Vec<ServerFrame> {
        let mut answers = Vec::new();
        while answers.len() < count {
            match self.frame().await {
                ServerFrame::Changes { .. } => {}
                answer => answers.push(answer),
            }
        }
        answers
    }

    /// Why the server closes, and that it then does, after any number of changes.
    pub(crate) async fn closed(&mut self) -> CloseFrame {
        let frame = loop {
            match self.next().await {
                Ok(tungstenite::Message::Close(frame)) => break frame.expect("a reason"),
                Ok(tungstenite::Message::Text(_)) => {}
                other => panic!("{other:?}"),
            }
        };
        assert!(within("the end", self.0.next()).await.is_none());
        frame
    }

    pub(crate) async fn is_closed_for(&mut self, code: CloseCode) {
        let frame = self.closed().await;
        assert_eq!((u16::from(frame.code), frame.reason.as_str()), (code.number(), code.code().title()));
    }
}
