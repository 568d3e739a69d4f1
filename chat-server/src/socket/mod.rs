//! `GET /v1/rooms/{room}/socket`: the WebSocket (RFC 6455), subprotocol `chat.v1`.
//!
//! Everything that may be refused is refused in HTTP, before the upgrade, and the first frame is ready
//! by then. `handshake` reads the request, `session` is the connection's task, `sink` its write half,
//! which the room writes to as well.
//!
//! hyper hands the connection over and tungstenite reads it; not axum's `ws`, since that keeps the write
//! half to itself: a room of a thousand would wake a thousand tasks for each message.

#[cfg(test)]
mod conformance;
pub(crate) mod frames;
mod handshake;
mod pace;
mod peer;
mod send;
mod session;
mod sink;
mod wire;

use crate::access_log::Ending;
use crate::app::App;
use crate::auth::{self, Listening};
use crate::error::ApiError;
use crate::extract::{After, InRoom};
use crate::hub::{Join, Rendering};
use crate::openapi::{IN_ROOM, TOKEN, problems};
use crate::serve::Place;
use axum::extract::{FromRequestParts, Request, State};
use axum::response::Response;
use chat_protocol::{ErrorCode, RoomId, Seq};
use hyper::upgrade::OnUpgrade;
use session::{Open, Session};

problems! {
    Opening: TOKEN, IN_ROOM, &[ErrorCode::OriginRefused, ErrorCode::CursorAhead, ErrorCode::UpgradeRequired];
}

/// Open a WebSocket on a room
///
/// RFC 6455 over HTTP/1.1, subprotocol `chat.v1`, text frames of one JSON object each: `ServerFrame` down,
/// beginning with what has changed since the cursor, and `ClientFrame` up. The token is in `Authorization`; a
/// browser, which cannot set that, offers it beside the subprotocol: `Sec-WebSocket-Protocol: chat.v1, bearer.JWT`.
/// The server pings, and whoever ends says why by a close code, of which the document's own text has a table.
#[utoipa::path(
    get,
    path = "/v1/rooms/{room}/socket",
    tag = "Streams",
    operation_id = "openSocket",
    security(("token" = []), ("subprotocol" = [])),
    params(
        ("room" = RoomId, Path),
        ("after" = Seq, Query, description = "The cursor."),
        ("Sec-WebSocket-Protocol" = Option<String>, Header, description = "`chat.v1`, and `bearer.JWT` from a browser.",
            example = "chat.v1"),
    ),
    responses(
        (status = 101, description = "The connection is a WebSocket from here on."),
        Opening,
    ),
)]
// The order of the checks: the origin first, since a page that may not be here is to learn nothing, not
// even whether a token is good; then the token, as everywhere; then the handshake and what it asks for.
pub(crate) async fn open(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    handshake::check_origin(&parts, &app.origins, app.web)?;
    let token = handshake::token(&parts.headers)?;
    let pass = auth::admit(&app, &parts, &token).await?;
    let caller = Listening::from(pass);
    let accept = match handshake::accept(&parts) {
        Ok(accept) => accept,
        Err(refusal) => return Ok(refusal.into_response(parts.version)),
    };
    let InRoom(room) = InRoom::from_request_parts(&mut parts, &app).await?;
    let After(after) = After::from_request_parts(&mut parts, &app).await?;
    let after = after.ok_or_else(|| ApiError::bad_request("after is needed"))?;
    let upgrade = parts.extensions.remove::<OnUpgrade>();
    let upgrade = upgrade.ok_or_else(|| ApiError::internal("the connection cannot be upgraded"))?;
    let place = parts.extensions.remove::<Place>();

    let Listening { user, expires } = caller;
    let join = Join { room, user: user.clone(), expires, after, rendering: Rendering::Socket };
    let subscription = app.hub.join(&app.store, join).await?;
    let ending = Ending::default();
    let session = Session {
        room,
        user,
        store: app.store,
        limits: app.limits,
        heartbeat: app.heartbeat,
        subscription,
        ending: ending.clone(),
    };
    tokio::spawn(run(upgrade, session, place));
    let mut response = handshake::switch(&accept);
    response.extensions_mut().insert(ending);
    Ok(response)
}

/// The connection, which counts as one of the server's until it ends.
async fn run(upgrade: OnUpgrade, session: Session, _place: Option<Place>) {
    match upgrade.await.map(wire::take) {
        Ok(Some(connection)) => Open::new(session, connection).run().await,
        Ok(None) => tracing::error!("an upgraded connection is of a kind unknown"),
        Err(error) => tracing::debug!(%error, "no upgrade"),
    }
}
