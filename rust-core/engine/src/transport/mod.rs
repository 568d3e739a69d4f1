//! How the engine talks to a server: one trait, one file per transport, one suite run against all.
//!
//! A transport carries; it keeps nothing and decides nothing. What it reports as wrong is a
//! [`TransportError`], classified in `error.rs` where the raw HTTP answer comes in: nobody above
//! looks at a status code.

mod error;
mod http;
mod polling;
mod tls;

pub use error::{BadAnswer, Fault, Retry, TransportError};
pub use http::Http;
pub use polling::Polling;

use crate::Token;
use async_trait::async_trait;
use chat_protocol::{Message, Page, RoomId, Seq, TransactionId};

/// What a transport has to say about a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing new: `204`.
    Nothing,
    /// A page, already checked to continue from the cursor that was asked after.
    Page(Page),
}

/// Carries a room's changes down and the user's messages up.
///
/// Both methods are cancel-safe in the sense that matters here: dropping the future ends the
/// request, and asking again from the same cursor, or sending again with the same transaction id,
/// loses and doubles nothing.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// The changes after `after`, oldest first, or the newest page of the room with `None`.
    async fn changes(
        &self,
        room: RoomId,
        after: Option<Seq>,
        token: &Token,
    ) -> Result<Answer, TransportError>;

    /// Says `text` in a room. The same `transaction` is stored once, however often it is sent.
    async fn send(
        &self,
        room: RoomId,
        transaction: &TransactionId,
        text: &str,
        token: &Token,
    ) -> Result<Message, TransportError>;
}
