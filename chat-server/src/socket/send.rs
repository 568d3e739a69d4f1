//! What a peer says: stored as `POST` stores it, answered when it is.

use super::frames;
use super::session::Session;
use super::sink::SocketSink;
use crate::error::ApiError;
use crate::store::NewMessage;
use chat_protocol::{Message, MessageText, ServerFrame, TransactionId};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// Stores a message and answers it, without holding up what the peer says next. It takes its place among
/// the writes when this is first polled, so that what one peer says is stored in the order in which it was
/// said; what is left to do then goes on by itself.
pub(super) fn begin(
    session: &Session,
    sink: &Arc<SocketSink>,
    transaction_id: TransactionId,
    text: &str,
) -> impl Future<Output = ()> + Send + use<> {
    let (room, sender) = (session.room, session.user.clone());
    let key = transaction_id.clone();
    let message = MessageText::new(text).map(|text| NewMessage { room, sender, transaction_id: key, text });
    let allowed = session.limits.ask(&session.user);
    let (store, sink) = (session.store.clone(), Arc::clone(sink));
    sink.begin();
    let mut sending = Box::pin(async move {
        let outcome = match (allowed, message) {
            (Ok(()), Ok(message)) => store.send(message).await.map_err(ApiError::from),
            (Err(error), _) => Err(error),
            (_, Err(error)) => Err(error.into()),
        };
        sink.answer(&frames::server(&answer(transaction_id, outcome)));
    });
    async move {
        if poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx))).await.is_pending() {
            // It goes on when the connection has gone: the peer's next try will find what was stored.
            tokio::spawn(sending);
        }
    }
}

fn answer(transaction_id: TransactionId, outcome: Result<Message, ApiError>) -> ServerFrame {
    match outcome {
        Ok(message) => ServerFrame::Sent { transaction_id, message },
        Err(error) => {
            let retry_after = error.retry_after();
            ServerFrame::Refused { transaction_id, problem: error.into_problem(), retry_after }
        }
    }
}
