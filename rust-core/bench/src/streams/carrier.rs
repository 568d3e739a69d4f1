//! How a listener is connected.

/// A way from the server to a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    WebSocket,
    Sse,
    LongPoll,
    /// A question from time to time, on a connection that is kept.
    Polling,
    /// Socket.IO's WebSocket transport: engine.io's packets in frames.
    SocketIo,
}

impl Carrier {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Carrier::WebSocket => "WebSocket",
            Carrier::Sse => "SSE",
            Carrier::LongPoll => "long polling",
            Carrier::Polling => "polling",
            Carrier::SocketIo => "Socket.IO",
        }
    }

    /// Whether there are WebSocket frames on the wire.
    pub(crate) fn is_framed(self) -> bool {
        matches!(self, Carrier::WebSocket | Carrier::SocketIo)
    }

    /// What a listener asks with. Of a long poll, the first question and every other.
    pub(crate) fn request(self, room: i64, token: &str, after: i64) -> String {
        let upgrade = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                       sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let (path, headers) = match self {
            Carrier::WebSocket => (
                format!("/v1/rooms/{room}/socket?after={after}"),
                format!("{upgrade}sec-websocket-protocol: chat.v1\r\n"),
            ),
            Carrier::SocketIo => ("/socket.io/?EIO=4&transport=websocket".into(), upgrade.into()),
            Carrier::Sse => {
                (format!("/v1/rooms/{room}/events?after={after}"), "accept: text/event-stream\r\n".into())
            }
            Carrier::Polling => (format!("/v1/rooms/{room}/messages?after={after}"), String::new()),
            Carrier::LongPoll => {
                (format!("/v1/rooms/{room}/messages?after={after}&limit=500&wait=50"), String::new())
            }
        };
        format!("GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\n{headers}\r\n")
    }
}
