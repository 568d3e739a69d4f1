//! The commands of [`crate::admin`].

use crate::store::Database;
use chat_protocol::{RoomId, UserId};
use clap::{Args, Subcommand};
use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What whoever runs the server does to its database, whether it runs or not.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Make rooms and look at them
    #[command(subcommand)]
    Room(Room),
    /// Let users into a room, or take them out
    #[command(subcommand)]
    Member(Member),
    /// Copy a SQLite database while the server runs, and check the copy
    Backup(Backup),
    /// Give disk space back. On SQLite nobody can write meanwhile: some seconds for each gigabyte
    Vacuum(Vacuum),
    /// Write a room to a file of JSON Lines, as it is at one moment
    Export(Export),
    /// Make a new room of an exported one; nobody sees it until it is whole
    Import(Import),
    /// Make the database if there is none and bring its schema up to date, as a starting server does
    Migrate(Migrate),
}

/// Which database.
#[derive(Debug, Args)]
pub struct Target {
    /// The server's database: a SQLite file, or a `postgres://` URL
    #[arg(long, value_name = "FILE|URL", hide_env_values = true, default_value = "chat.db")]
    pub database: Database,
}

/// `room`.
#[derive(Debug, Subcommand)]
pub enum Room {
    /// Make a room
    Create(NewRoom),
    /// List all rooms
    List(ListRooms),
    /// Show one room and who is in it
    Show(ShowRoom),
    /// Take away what an import has left that was killed
    Discard(Discard),
}

/// Options of `room create`.
#[derive(Debug, Args)]
pub struct NewRoom {
    /// Its title
    #[arg(long)]
    pub title: String,
    /// Who is in it; may be given again
    #[arg(long, value_name = "USER")]
    pub member: Vec<UserId>,
    /// Answer with JSON
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub target: Target,
}

/// Options of `room list`.
#[derive(Debug, Args)]
pub struct ListRooms {
    /// Answer with JSON
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub target: Target,
}

/// Options of `room show`.
#[derive(Debug, Args)]
pub struct ShowRoom {
    /// The room's number
    pub room: RoomId,
    /// Answer with JSON
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub target: Target,
}

/// Options of `room discard`.
#[derive(Debug, Args)]
pub struct Discard {
    /// The room's number
    pub room: RoomId,
    /// Where.
    #[command(flatten)]
    pub target: Target,
}

/// `member`.
#[derive(Debug, Subcommand)]
pub enum Member {
    /// Let users in; who is in already stays
    Add(Members),
    /// Take users out
    Remove(Members),
}

/// Options of `member add` and `member remove`.
#[derive(Debug, Args)]
pub struct Members {
    /// The room's number
    pub room: RoomId,
    /// Who
    #[arg(required = true, value_name = "USER")]
    pub users: Vec<UserId>,
    /// Where.
    #[command(flatten)]
    pub target: Target,
}

/// Options of `backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file to make
    pub file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    pub force: bool,
    /// Answer with JSON
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub target: Target,
}

/// Options of `vacuum`.
#[derive(Debug, Args)]
pub struct Vacuum {
    /// Answer with JSON
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub target: Target,
}

/// Options of `export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The room's number
    pub room: RoomId,
    /// The file to make; - is stdout
    #[arg(default_value = "-", value_name = "FILE")]
    pub file: Place,
    /// Replace the file if it is there
    #[arg(long)]
    pub force: bool,
    /// Where.
    #[command(flatten)]
    pub target: Target,
}

/// Options of `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// What `export` has written; - is stdin
    #[arg(value_name = "FILE")]
    pub file: Place,
    /// Another title than the file's
    #[arg(long)]
    pub title: Option<String>,
    /// Answer with JSON
    #[arg(long)]
    pub json: bool,
    /// Where.
    #[command(flatten)]
    pub target: Target,
}

/// Options of `migrate`.
#[derive(Debug, Args)]
pub struct Migrate {
    /// Where.
    #[command(flatten)]
    pub target: Target,
}

/// A file, or the standard stream of that direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// stdin or stdout, written `-`.
    Standard,
    /// A file.
    File(PathBuf),
}

impl FromStr for Place {
    type Err = Infallible;
    fn from_str(given: &str) -> Result<Self, Infallible> {
        Ok(if given == "-" { Self::Standard } else { Self::File(given.into()) })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard => f.write_str("-"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
