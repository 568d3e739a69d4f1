//! What may happen: the strategy that random cases are drawn from.

use chat_engine::transport::{BadAnswer, Fault};
use chat_engine::{Timings, TransportChoice, TransportKind};
use chat_protocol::ErrorCode;
use chat_testkit::{Begins, Fate, Kind, Mishap, StreamMishap};
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
    /// How the phone follows its room.
    pub(crate) transport: TransportChoice,
    /// Whether transports are tried again soon, and not only after minutes.
    pub(crate) brisk: bool,
    /// Whether the network is new in the end; or else what was found out about it has to run out.
    pub(crate) new_network: bool,
    /// Seeds the engine's jitter.
    pub(crate) jitter: u64,
    /// What happens, each followed by a pause in milliseconds.
    pub(crate) steps: Vec<(Op, u64)>,
}

impl Case {
    pub(crate) fn timings(&self) -> Timings {
        let brisk = Timings {
            bar_base: Duration::from_secs(4),
            bar_cap: Duration::from_secs(30),
            stream_proof: Duration::from_secs(5),
            ..Timings::default()
        };
        if self.brisk { brisk } else { Timings::default() }
    }

    /// What the room is followed by when all is well.
    pub(crate) fn best(&self) -> TransportKind {
        match self.transport {
            TransportChoice::Auto => TransportKind::WebSocket,
            TransportChoice::Only(kind) => kind,
        }
    }
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { tells_keys, page, retention, before, transport, brisk, new_network, jitter, steps } = self;
        writeln!(f, "tells_keys: {tells_keys}, page: {page}, retention: {retention}, before: {before}")?;
        writeln!(f, "{transport:?}, brisk: {brisk}, new_network: {new_network}, jitter: {jitter}")?;
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
    PlanStreams(TransportKind, Vec<StreamMishap>),
    /// Another network, with the room on screen: its WebSockets, event streams and long polls meet these.
    SwitchInto([Vec<StreamMishap>; 3]),
    /// All goes well from now on, but for what is silent already. Somebody says something, and the user looks.
    Look,
    /// The same, and there is a push.
    LookPushed,
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
    let anything = vec((op(), pause()), 1..=most);
    // Half of them look hard at one thing.
    let switching = vec((switching(), long_pause()), 1..=most);
    let steps = prop_oneof![anything, switching];
    let retention = prop_oneof![3 => Just(100_000), 1 => 2i64..8];
    let server = (prop::bool::weighted(0.75), 3usize..=5, retention, 0u8..14);
    let ways = (transport(), any::<bool>(), any::<bool>());
    (server, ways, any::<u64>(), steps).prop_map(
        |((tells_keys, page, retention, before), (transport, brisk, new_network), jitter, steps)| Case {
            tells_keys,
            page,
            retention,
            before,
            transport,
            brisk,
            new_network,
            jitter,
            steps,
        },
    )
}

fn transport() -> impl Strategy<Value = TransportChoice> {
    prop_oneof![
        6 => Just(TransportChoice::Auto),
        2 => Just(TransportChoice::Only(TransportKind::Polling)),
        3 => streamed().prop_map(TransportChoice::Only),
    ]
}

fn streamed() -> impl Strategy<Value = TransportKind> {
    prop_oneof![
        3 => Just(TransportKind::WebSocket),
        2 => Just(TransportKind::Sse),
        2 => Just(TransportKind::LongPolling),
    ]
}

fn pause() -> impl Strategy<Value = u64> {
    prop_oneof![6 => Just(0), 5 => Just(1), 3 => 2u64..200, 4 => Just(1_100), 2 => Just(6_000), 2 => Just(45_000), 1 => Just(200_000)]
}

/// As long as streams live.
fn long_pause() -> impl Strategy<Value = u64> {
    prop_oneof![3 => Just(0), 2 => Just(1), 4 => 2u64..3_000, 4 => 3_000u64..30_000, 2 => 30_000u64..120_000]
}

/// What happens to a room that is followed.
fn switching() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => switch(),
        3 => (streamed(), vec(stream_mishap(), 1..4)).prop_map(|(kind, fates)| Op::PlanStreams(kind, fates)),
        8 => prop_oneof![4 => Just(1u8), 1 => 2u8..14].prop_map(Op::OtherSays),
        2 => any::<u8>().prop_map(Op::OtherEdits),
        4 => Just(Op::Send),
        2 => Just(Op::Start),
        1 => Just(Op::Stop),
        1 => Just(Op::Push),
        1 => Just(Op::LoadOlder),
        1 => (1u8..3).prop_map(Op::NoToken),
        2 => vec(mishap(), 1..3).prop_map(|mishaps| Op::Plan(Kind::Changes, mishaps)),
        1 => Just(Op::LookPushed),
    ]
}

fn switch() -> impl Strategy<Value = Op> {
    let fates = || vec(stream_mishap(), 0..4);
    (fates(), fates(), fates()).prop_map(|(a, b, c)| Op::SwitchInto([a, b, c]))
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
        3 => Just(Op::NetworkBack),
        1 => Just(Op::LogIn),
        3 => Just(Op::Reopen),
        2 => any::<bool>().prop_map(Op::ListStarts),
        1 => (1u8..4).prop_map(Op::NoToken),
        16 => (kind(), vec(mishap(), 1..4)).prop_map(|(kind, mishaps)| Op::Plan(kind, mishaps)),
        6 => (streamed(), vec(stream_mishap(), 1..5)).prop_map(|(kind, fates)| Op::PlanStreams(kind, fates)),
        8 => switch(),
        1 => Just(Op::Look),
        1 => Just(Op::LookPushed),
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
        1 => (1u64..10).prop_map(|seconds| Mishap::Hangs(Duration::from_secs(seconds))),
        1 => seconds.prop_map(Mishap::Late),
        1 => (1usize..6).prop_map(Mishap::Stale),
    ]
}

fn stream_mishap() -> impl Strategy<Value = StreamMishap> {
    let lag = prop_oneof![4 => Just(0u64), 1 => 1u64..1_000, 1 => 1_000u64..5_000];
    let batches = prop_oneof![3 => Just(0u8), 3 => 1u8..4];
    let slow = prop_oneof![6 => Just(0), 2 => 1u64..1_000, 1 => 1_000u64..10_000];
    (slow, begins(), lag, batches, fate()).prop_map(|(slow, begins, lag, batches, fate)| {
        let (slow, lag) = (Duration::from_millis(slow), Duration::from_millis(lag));
        StreamMishap { slow, begins, lag, batches, fate }
    })
}

fn retry_after() -> impl Strategy<Value = Option<Duration>> {
    prop::option::of((1u64..120).prop_map(Duration::from_secs))
}

fn begins() -> impl Strategy<Value = Begins> {
    let refused = Fault::Refused { status: 426, code: ErrorCode::UpgradeRequired };
    let fault = prop_oneof![
        2 => Just(Fault::BadAnswer(BadAnswer::Status(426))),
        2 => Just(Fault::BadAnswer(BadAnswer::Status(502))),
        2 => Just(Fault::Offline),
        2 => Just(Fault::Interrupted),
        2 => Just(Fault::Server { status: 500 }),
        1 => Just(refused),
        2 => Just(Fault::Unauthorized),
        1 => prop_oneof![Just(Fault::NotAMember), Just(Fault::RoomNotFound)],
    ];
    let full = prop_oneof![Just(Fault::Server { status: 503 }), Just(Fault::RateLimited)];
    prop_oneof![
        12 => Just(Begins::Well),
        2 => Just(Begins::Withheld),
        4 => fault.prop_map(|fault| Begins::Refused(fault, None)),
        2 => (full, retry_after()).prop_map(|(fault, after)| Begins::Refused(fault, after)),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    let fault = || {
        prop_oneof![
            6 => Just(Fault::Interrupted),
            2 => Just(Fault::Timeout),
            1 => Just(Fault::RateLimited),
            1 => Just(Fault::BadAnswer(BadAnswer::OutOfOrder)),
            1 => Just(Fault::BadAnswer(BadAnswer::Malformed)),
        ]
    };
    prop_oneof![
        3 => Just(Fate::Well),
        4 => fault().prop_map(|fault| Fate::Ends(fault, None)),
        1 => retry_after().prop_map(|after| Fate::Ends(Fault::RateLimited, after)),
        2 => Just(Fate::Ends(Fault::Unauthorized, None)),
        1 => prop_oneof![Just(Fault::NotAMember), Just(Fault::RoomNotFound)]
            .prop_map(|fault| Fate::Ends(fault, None)),
        3 => fault().prop_map(Fate::Loses),
        4 => Just(Fate::Silent),
        2 => Just(Fate::Repeats),
    ]
}
