//! What may happen: the strategy that random cases are drawn from.

use chat_engine::transport::Fault;
use chat_protocol::ErrorCode;
use chat_testkit::{Kind, Mishap};
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::Duration;

/// A phone, its room, and what happens to them.
#[derive(Clone)]
pub(crate) struct Case {
    /// Whether the server tells a sender its own keys (ADR 0002).
    pub(crate) tells_keys: bool,
    /// Messages in a page.
    pub(crate) page: usize,
    /// How many messages of the room the phone keeps.
    pub(crate) retention: i64,
    /// Messages in the room before the phone knows it.
    pub(crate) before: u8,
    /// Seeds the engine's jitter.
    pub(crate) jitter: u64,
    /// What happens, each followed by a pause in milliseconds.
    pub(crate) steps: Vec<(Op, u64)>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { tells_keys, page, retention, before, jitter, steps } = self;
        writeln!(
            f,
            "tells_keys: {tells_keys}, page: {page}, retention: {retention}, before: {before}, jitter: {jitter}"
        )?;
        steps.iter().try_for_each(|(op, pause)| writeln!(f, "    ({op:?}, {pause}),"))
    }
}

/// One thing that happens. Numbers pick one of what there is to choose from.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// Somebody else says so many things.
    OtherSays(u8),
    OtherEdits(u8),
    OtherDeletes(u8),
    /// The user's other device.
    TwinSays,
    TwinEdits(u8),
    TwinDeletes(u8),
    TwinReads(u8),
    Send,
    /// Edits a row of one's own on screen.
    Edit(u8),
    /// Tries to edit somebody else's.
    EditOther(u8),
    Delete(u8),
    Discard(u8),
    Retry(u8),
    MarkRead(u8),
    Start,
    Stop,
    Wake,
    /// A push, whether the room is on screen or not.
    Push,
    LoadOlder,
    NetworkBack,
    LogIn,
    /// The room is opened anew, as when a screen is turned.
    Reopen,
    ListStarts(bool),
    /// The app has no token the next few times it is asked.
    NoToken(u8),
    Plan(Kind, Vec<Mishap>),
    /// The same right before a message is sent, one is edited, older ones are asked for, or a push comes.
    SendInto(Vec<Mishap>),
    EditInto(u8, Vec<Mishap>),
    LoadInto(Vec<Mishap>),
    PushInto(Vec<Mishap>),
    /// The process ends: tidily, or with the files as they were at some moment while it ran.
    Ends(bool),
    /// The process ends, and something writes over its file.
    Corrupt(Damage),
}

/// What becomes of a cache file.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Damage {
    /// All of it.
    File,
    /// One page of it.
    Page(u8),
    /// It is cut short there.
    Cut(u8),
}

/// A case of up to `most` steps.
pub(crate) fn case(most: usize) -> impl Strategy<Value = Case> {
    let steps = vec((op(), pause()), 1..=most);
    let retention = prop_oneof![3 => Just(100_000), 1 => 2i64..8];
    (prop::bool::weighted(0.75), 3usize..=5, retention, 0u8..14, any::<u64>(), steps).prop_map(
        |(tells_keys, page, retention, before, jitter, steps)| Case {
            tells_keys,
            page,
            retention,
            before,
            jitter,
            steps,
        },
    )
}

fn pause() -> impl Strategy<Value = u64> {
    prop_oneof![6 => Just(0), 5 => Just(1), 3 => 2u64..200, 4 => Just(1_100), 2 => Just(6_000), 1 => Just(45_000)]
}

fn op() -> impl Strategy<Value = Op> {
    let p = any::<u8>;
    prop_oneof![
        10 => prop_oneof![4 => Just(1u8), 1 => 2u8..14].prop_map(Op::OtherSays),
        5 => p().prop_map(Op::OtherEdits),
        2 => p().prop_map(Op::OtherDeletes),
        3 => Just(Op::TwinSays),
        3 => p().prop_map(Op::TwinEdits),
        1 => p().prop_map(Op::TwinDeletes),
        2 => p().prop_map(Op::TwinReads),
        8 => Just(Op::Send),
        9 => p().prop_map(Op::Edit),
        1 => p().prop_map(Op::EditOther),
        5 => p().prop_map(Op::Delete),
        4 => p().prop_map(Op::Discard),
        3 => p().prop_map(Op::Retry),
        5 => p().prop_map(Op::MarkRead),
        9 => Just(Op::Start),
        4 => Just(Op::Stop),
        3 => Just(Op::Wake),
        3 => Just(Op::Push),
        6 => Just(Op::LoadOlder),
        2 => Just(Op::NetworkBack),
        1 => Just(Op::LogIn),
        3 => Just(Op::Reopen),
        2 => any::<bool>().prop_map(Op::ListStarts),
        1 => (1u8..4).prop_map(Op::NoToken),
        16 => (kind(), vec(mishap(), 1..4)).prop_map(|(kind, mishaps)| Op::Plan(kind, mishaps)),
        8 => vec(mishap(), 1..4).prop_map(Op::SendInto),
        5 => (p(), vec(mishap(), 1..3)).prop_map(|(pick, mishaps)| Op::EditInto(pick, mishaps)),
        4 => vec(mishap(), 1..3).prop_map(Op::LoadInto),
        3 => vec(mishap(), 1..3).prop_map(Op::PushInto),
        4 => any::<bool>().prop_map(Op::Ends),
        1 => damage().prop_map(Op::Corrupt),
    ]
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        2 => Just(Damage::File),
        2 => any::<u8>().prop_map(Damage::Page),
        1 => any::<u8>().prop_map(Damage::Cut),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => Just(Kind::Changes),
        3 => Just(Kind::History),
        1 => Just(Kind::List),
        6 => Just(Kind::Send),
        5 => Just(Kind::Change),
        1 => Just(Kind::Read),
    ]
}

fn mishap() -> impl Strategy<Value = Mishap> {
    let wait = prop_oneof![3 => Just(0u64), 2 => 1u64..300, 4 => 300u64..9_000];
    let seconds = (1u64..15).prop_map(Duration::from_secs);
    let millis = (wait.clone(), wait).prop_map(|(a, b)| (Duration::from_millis(a), Duration::from_millis(b)));
    let refused = Fault::Refused { status: 422, code: ErrorCode::Invalid };
    prop_oneof![
        4 => Just(Mishap::None),
        3 => Just(Mishap::Lost),
        4 => prop_oneof![
            Just(Fault::Timeout), Just(Fault::Interrupted), Just(Fault::Server { status: 504 })
        ].prop_map(Mishap::AnswerLost),
        2 => prop_oneof![Just(Fault::Server { status: 503 }), Just(Fault::CursorAhead)]
            .prop_map(|fault| Mishap::Refused(fault, None)),
        1 => seconds.clone().prop_map(|after| Mishap::Refused(Fault::RateLimited, Some(after))),
        2 => Just(Mishap::Refused(Fault::Unauthorized, None)),
        3 => Just(Mishap::Refused(refused, None)),
        1 => prop_oneof![Just(Fault::NotAMember), Just(Fault::RoomNotFound)]
            .prop_map(|fault| Mishap::Refused(fault, None)),
        10 => millis.prop_map(|(there, back)| Mishap::Slow(there, back)),
        1 => seconds.prop_map(Mishap::Late),
        1 => (1usize..6).prop_map(Mishap::Stale),
    ]
}
