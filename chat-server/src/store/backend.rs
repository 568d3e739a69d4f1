//! What a database must do to stand behind a [`super::Store`], whose methods say what each means.
//!
//! # What every one promises
//! - A change is confirmed only after its transaction is on the disk, and what it changed is announced
//!   before that, in the order of commits of its room.
//! - Membership is read in the same transaction as what it guards; a page, its cursor and the right to
//!   see it are of one moment.
//! - `id` is dense and `seq` becomes visible in order, whoever else writes, other processes too.
//! - What cannot be done now but may be later is [`StoreError::Busy`]. It is also the answer when nobody
//!   knows whether a change was kept: all of them may be asked for again, and do nothing twice; but for a room without
//!   a key, of which there are two then.

use super::error::StoreError;
use super::expiry::OldKeys;
use super::model::{Changes, Creation, Missed, NewMessage, PageRequest};
use async_trait::async_trait;
use chat_protocol::{
    Message, MessageId, MessageText, Page, ReadMarker, Room, RoomId, RoomSummary, Seq, Timestamp, UserId,
};
use std::collections::BTreeSet;

#[async_trait]
pub(super) trait Backend: Send + Sync + 'static {
    async fn ping(&self) -> Result<(), StoreError>;

    /// As it was made before, if the same was asked for by the same key.
    async fn create_room(
        &self,
        title: String,
        members: BTreeSet<UserId>,
        creation: Option<Creation>,
    ) -> Result<Room, StoreError>;

    async fn rooms_of(&self, user: UserId) -> Result<Vec<RoomSummary>, StoreError>;

    async fn add_member(&self, room: RoomId, caller: UserId, user: UserId) -> Result<(), StoreError>;

    async fn remove_member(&self, room: RoomId, caller: UserId, user: UserId) -> Result<(), StoreError>;

    async fn send(&self, message: NewMessage) -> Result<Message, StoreError>;

    async fn edit(
        &self,
        room: RoomId,
        id: MessageId,
        caller: UserId,
        text: MessageText,
    ) -> Result<Message, StoreError>;

    async fn delete(&self, room: RoomId, id: MessageId, caller: UserId) -> Result<Message, StoreError>;

    async fn mark_read(&self, room: RoomId, reader: UserId, id: MessageId) -> Result<ReadMarker, StoreError>;

    async fn page(
        &self,
        room: RoomId,
        reader: UserId,
        request: PageRequest,
    ) -> Result<Option<Page>, StoreError>;

    async fn missed(
        &self,
        room: RoomId,
        reader: UserId,
        cursor: Seq,
        most: (u32, usize),
    ) -> Result<Missed, StoreError>;

    async fn changes(&self, room: RoomId, after: Seq, known_removals: i64) -> Result<Changes, StoreError>;

    /// Of the next rooms after the number `after`, those with keys of messages sent before `before`.
    async fn old_keys(&self, after: i64, before: Timestamp) -> Result<OldKeys, StoreError>;

    /// Clears some of them in one short transaction, and says whether there may be more.
    async fn clear_old_keys(&self, room: RoomId, before: Timestamp) -> Result<bool, StoreError>;
}
