//! `room` and `member`.

use super::{Failure, list, open, say, say_json};
use crate::cli::{
    Discard, ListRooms, Member as MemberCommand, Members, NewRoom, Room as RoomCommand, ShowRoom,
};
use crate::store::admin::{Member, RoomInfo};
use crate::title::title;
use chat_protocol::UserId;
use indicatif::HumanCount;
use serde::Serialize;
use std::collections::BTreeSet;

pub(super) async fn room(command: RoomCommand) -> Result<(), Failure> {
    match command {
        RoomCommand::Create(options) => create(options).await,
        RoomCommand::List(options) => list_rooms(options).await,
        RoomCommand::Show(options) => show(options).await,
        RoomCommand::Discard(options) => discard(options).await,
    }
}

pub(super) async fn member(command: MemberCommand) -> Result<(), Failure> {
    match command {
        MemberCommand::Add(options) => add(options).await,
        MemberCommand::Remove(options) => remove(options).await,
    }
}

/// A room and who is in it.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    room: RoomInfo,
    in_it: Vec<Member>,
}

async fn create(options: NewRoom) -> Result<(), Failure> {
    let title = title(&options.title)?;
    let members: BTreeSet<UserId> = options.member.into_iter().collect();
    let mut desk = open(&options.target).await?;
    let id = desk.create_room(&title, &members).await?;
    if options.json {
        let (room, in_it) = desk.room(id).await?;
        return say_json(&Whole { room, in_it });
    }
    match members.is_empty() {
        true => say(format_args!("made room {id}; let somebody in: chat-server member add {id} USER")),
        false => say(format_args!("made room {id} for {}", list(&Vec::from_iter(members)))),
    }
}

async fn list_rooms(options: ListRooms) -> Result<(), Failure> {
    let mut desk = open(&options.target).await?;
    let rooms = desk.rooms().await?;
    if options.json {
        return say_json(&rooms);
    }
    if rooms.is_empty() {
        return say("no rooms");
    }
    let mut table = format!("{:>6}  {:>11}  {:>7}  {:<20}  TITLE", "ROOM", "MESSAGES", "MEMBERS", "MADE");
    for room in &rooms {
        table.push('\n');
        table.push_str(&row(room));
    }
    say(table)
}

fn row(room: &RoomInfo) -> String {
    let count = |number: i64| HumanCount(number.unsigned_abs()).to_string();
    let (messages, note) = match room.unfinished_import {
        Some(so_far) => (so_far, format!("  (unfinished import: chat-server room discard {})", room.id)),
        None => (room.messages, String::new()),
    };
    // To the second; nobody picks a room by its milliseconds.
    let made = room.created_at.to_string();
    let made = made.split_once('.').map_or(made.as_str(), |(seconds, _)| seconds);
    format!(
        "{:>6}  {:>11}  {:>7}  {made:<20}  {}{note}",
        room.id.get(),
        count(messages),
        count(room.members),
        room.title
    )
}

async fn show(options: ShowRoom) -> Result<(), Failure> {
    let mut desk = open(&options.target).await?;
    desk.hold_snapshot().await?;
    let (room, in_it) = desk.room(options.room).await?;
    if options.json {
        return say_json(&Whole { room, in_it });
    }
    let mut words = format!(
        "room {}: {}\nmade {}\n{} messages, {} changes",
        room.id, room.title, room.created_at, room.messages, room.last_seq
    );
    if let Some(so_far) = room.unfinished_import {
        words.push_str(&format!(
            "\nan import is under way, or was killed, after {so_far} messages; if it was: chat-server room discard {}",
            room.id
        ));
    }
    words.push_str(&format!("\n{} members", in_it.len()));
    for Member { user, read_marker } in &in_it {
        words.push_str(&format!("\n  {user}, has read up to {read_marker}"));
    }
    say(words)
}

async fn discard(options: Discard) -> Result<(), Failure> {
    let mut desk = open(&options.target).await?;
    while desk.discard_some(options.room).await? {}
    say(format_args!("room {} is gone", options.room))
}

async fn add(options: Members) -> Result<(), Failure> {
    let users: BTreeSet<UserId> = options.users.into_iter().collect();
    let new = open(&options.target).await?.add_members(options.room, &users).await?;
    tell(&users, &new, "came in", "in already")
}

async fn remove(options: Members) -> Result<(), Failure> {
    let users: BTreeSet<UserId> = options.users.into_iter().collect();
    let gone = open(&options.target).await?.remove_members(options.room, &users).await?;
    tell(&users, &gone, "taken out", "not in")
}

/// What has changed, and what was so before.
fn tell(asked: &BTreeSet<UserId>, changed: &[UserId], done: &str, before: &str) -> Result<(), Failure> {
    if !changed.is_empty() {
        say(format_args!("{done}: {}", list(changed)))?;
    }
    let rest: Vec<_> = asked.iter().filter(|user| !changed.contains(user)).cloned().collect();
    if !rest.is_empty() {
        say(format_args!("{before}: {}", list(&rest)))?;
    }
    Ok(())
}
