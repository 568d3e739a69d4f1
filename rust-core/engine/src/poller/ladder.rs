//! Which transport to use: the richest that works here.
//!
//! ```text
//!            cannot be opened, or three early deaths
//!   WebSocket ─────────────▶ SSE ─────────────▶ long polling ─────────────▶ polling
//!      ▲ ▲                    │                     │                          │
//!      │ └── its bar is over ─┴─────────────────────┴──────────────────────────┘
//!      └──── the network changed: all bars are lifted, but for a `Retry-After`
//! ```
//!
//! A transport that fails is *barred*: for a minute at first, twice as long each time, an hour at most. What
//! is below it serves meanwhile, and plain polling always. A transport that has lived long enough is trusted
//! again. Being cut off after a long life is no failure: networks change, servers are renewed. What the server
//! has asked for with a `Retry-After` is kept to whatever else is found out.
//!
//! One ladder for all rooms of an engine: what one room has found out about the network holds for the others.
//!
//! Pure: it is told what time it is.

use crate::Timings;
use crate::transport::{TransportChoice, TransportKind};
use std::time::Duration;
use tokio::time::Instant;

/// Deaths in a row, each before the stream has proved itself, until a transport counts as not to be had.
/// Three: a server that is renewed node by node kills twice.
const STRIKES: u32 = 3;

/// The transports in order, and what is remembered of each.
#[derive(Debug)]
pub(crate) struct Ladder {
    rungs: Vec<Rung>,
    proof: Duration,
    base: Duration,
    cap: Duration,
    /// Deaths within so long are one: what kills the streams of ten rooms has happened once.
    moment: Duration,
}

#[derive(Debug)]
struct Rung {
    kind: TransportKind,
    strikes: u32,
    struck: Option<Instant>,
    bars: u32,
    barred_until: Option<Instant>,
    /// The server's own wish.
    not_before: Option<Instant>,
}

impl Rung {
    fn new(kind: TransportKind) -> Self {
        Self { kind, strikes: 0, struck: None, bars: 0, barred_until: None, not_before: None }
    }

    /// When it may be used, if not now already.
    fn free(&self) -> Option<Instant> {
        self.barred_until.max(self.not_before)
    }

    /// Nothing that was found out about it holds.
    fn forget(&mut self) {
        *self = Self { not_before: self.not_before, ..Self::new(self.kind) };
    }
}

impl Ladder {
    /// For those transports of `choice` that are to be `had`.
    pub(crate) fn new(
        choice: TransportChoice,
        had: impl Fn(TransportKind) -> bool,
        timings: &Timings,
    ) -> Self {
        use TransportKind::{LongPolling, Sse, WebSocket};
        let rungs = [WebSocket, Sse, LongPolling]
            .into_iter()
            .filter(|kind| matches!(choice, TransportChoice::Auto) || choice == TransportChoice::Only(*kind))
            .filter(|kind| had(*kind))
            .map(Rung::new)
            .collect();
        Self {
            rungs,
            proof: timings.stream_proof,
            base: timings.bar_base,
            cap: timings.bar_cap,
            moment: timings.backoff_base / 2,
        }
    }

    /// The richest that is not barred; polling never is.
    pub(crate) fn best(&self, now: Instant) -> TransportKind {
        let free = self.rungs.iter().find(|rung| rung.free().is_none_or(|at| at <= now));
        free.map_or(TransportKind::Polling, |rung| rung.kind)
    }

    /// When a richer transport than `kind` is worth another try.
    pub(crate) fn climb(&self, kind: TransportKind) -> Option<Instant> {
        let richer = self.rungs.iter().take_while(|rung| rung.kind != kind);
        richer.filter_map(Rung::free).min()
    }

    /// It cannot be had, and not before `at_least`.
    pub(crate) fn refused(&mut self, kind: TransportKind, at_least: Duration, now: Instant) {
        let (base, cap) = (self.base, self.cap);
        let Some(rung) = self.rung(kind) else { return };
        // Those who were refused together do not come back together.
        let apart = 1.0 + fastrand::f64() / 4.0;
        rung.not_before = rung.not_before.max(Some(now + at_least.mul_f64(apart)));
        rung.strikes = 0;
        // Another room has found it out already.
        if rung.barred_until.is_none_or(|until| until <= now) {
            let bar = base.saturating_mul(1 << rung.bars.min(16)).min(cap);
            rung.barred_until = Some(now + bar.mul_f64(apart));
            rung.bars += 1;
        }
    }

    /// It could be had for so long.
    pub(crate) fn died(&mut self, kind: TransportKind, lived: Duration, now: Instant) {
        if lived >= self.proof {
            return self.proved(kind);
        }
        let moment = self.moment;
        let Some(rung) = self.rung(kind) else { return };
        if rung.struck.is_some_and(|struck| now < struck + moment) {
            return;
        }
        rung.struck = Some(now);
        rung.strikes += 1;
        if rung.strikes == STRIKES {
            self.refused(kind, Duration::ZERO, now);
        }
    }

    /// It works.
    pub(crate) fn proved(&mut self, kind: TransportKind) {
        if let Some(rung) = self.rung(kind) {
            rung.forget();
        }
    }

    /// How long a stream has to live until it is [`Ladder::proved`].
    pub(crate) fn proof(&self) -> Duration {
        self.proof
    }

    /// Another network: nothing that was found out holds.
    pub(crate) fn forget(&mut self) {
        self.rungs.iter_mut().for_each(Rung::forget);
    }

    fn rung(&mut self, kind: TransportKind) -> Option<&mut Rung> {
        self.rungs.iter_mut().find(|rung| rung.kind == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TransportKind::{LongPolling, Polling, Sse, WebSocket};

    fn ladder() -> (Ladder, Instant) {
        (Ladder::new(TransportChoice::Auto, |_| true, &Timings::default()), Instant::now())
    }

    #[test]
    fn each_refusal_leads_a_rung_down_and_polling_is_always_there() {
        let (mut ladder, now) = ladder();
        for kind in [WebSocket, Sse, LongPolling] {
            assert_eq!(ladder.best(now), kind);
            ladder.refused(kind, Duration::ZERO, now);
        }
        assert_eq!(ladder.best(now), Polling);
        ladder.refused(Polling, Duration::ZERO, now);
        assert_eq!(ladder.best(now), Polling);
    }

    #[test]
    fn a_bar_ends_and_doubles_up_to_the_cap_and_never_undercuts_the_servers_wish() {
        let (mut ladder, mut now) = ladder();
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            ladder.refused(WebSocket, Duration::ZERO, now);
            let bar = ladder.climb(Sse).unwrap() - now;
            let minute = Duration::from_secs(60);
            assert!(bar >= minute * minutes && bar <= minute * minutes * 5 / 4, "{bar:?} for {minutes} min");
            assert_eq!(ladder.best(now + minute * minutes - Duration::from_secs(1)), Sse);
            now += bar;
            assert_eq!(ladder.best(now), WebSocket, "it climbs back");
        }
        ladder.refused(WebSocket, Duration::from_secs(7_200), now);
        assert!(ladder.climb(Polling).unwrap() >= now + Duration::from_secs(7_200));
    }

    #[test]
    fn three_early_deaths_in_a_row_bar_a_transport_and_a_long_life_forgives_them() {
        let (mut ladder, mut now) = ladder();
        let (early, long) = (Duration::from_secs(74), Duration::from_secs(75));
        for lived in [early, early, long, early, early] {
            now += lived;
            ladder.died(WebSocket, lived, now);
            assert_eq!(ladder.best(now), WebSocket);
        }
        now += early;
        ladder.died(WebSocket, early, now);
        assert_eq!(ladder.best(now), Sse);
        assert_eq!(ladder.climb(WebSocket), None, "nothing is richer");
    }

    #[test]
    fn what_kills_the_streams_of_ten_rooms_has_happened_once() {
        let (mut ladder, now) = ladder();
        for room in 0..10 {
            ladder.died(WebSocket, Duration::from_secs(5), now + Duration::from_millis(room));
        }
        assert_eq!(ladder.best(now), WebSocket);
    }

    #[test]
    fn what_refuses_the_streams_of_ten_rooms_bars_a_transport_once() {
        let (mut ladder, now) = ladder();
        for room in 0..10 {
            ladder.refused(WebSocket, Duration::ZERO, now + Duration::from_millis(room));
        }
        assert!(ladder.climb(Sse).unwrap() <= now + Duration::from_secs(75));
    }

    #[test]
    fn ten_rooms_that_are_refused_at_once_bar_it_once() {
        let (mut ladder, now) = ladder();
        for _ in 0..10 {
            ladder.refused(WebSocket, Duration::ZERO, now);
        }
        assert!(ladder.climb(Sse).unwrap() <= now + Duration::from_secs(75));
    }

    #[test]
    fn another_network_lifts_every_bar() {
        let (mut ladder, now) = ladder();
        for kind in [WebSocket, Sse, LongPolling] {
            ladder.refused(kind, Duration::ZERO, now);
        }
        ladder.forget();
        assert_eq!(ladder.best(now), WebSocket);
    }

    #[test]
    fn a_servers_wish_outlives_another_network_and_the_stream_of_another_room() {
        let (mut ladder, now) = ladder();
        let wish = Duration::from_secs(20);
        ladder.refused(WebSocket, wish, now);
        ladder.forget();
        ladder.proved(WebSocket);
        assert_eq!(ladder.best(now), Sse);
        let free = ladder.climb(Sse).unwrap();
        assert!(free >= now + wish && free <= now + wish * 5 / 4, "{:?}", free - now);
        assert_eq!(ladder.best(free), WebSocket);
    }

    #[test]
    fn who_wants_one_transport_gets_that_or_polling() {
        let mut ladder = Ladder::new(TransportChoice::Only(Sse), |_| true, &Timings::default());
        let now = Instant::now();
        assert_eq!(ladder.best(now), Sse);
        ladder.refused(Sse, Duration::ZERO, now);
        assert_eq!(ladder.best(now), Polling);
        let none = Ladder::new(TransportChoice::Auto, |_| false, &Timings::default());
        assert_eq!(none.best(now), Polling, "a transport that has nothing else polls");
    }
}
