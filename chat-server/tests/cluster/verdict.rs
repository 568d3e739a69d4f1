//! What it comes to: what the store holds, what everybody has, and that these are the same.

use crate::ROOMS;
use crate::members::{Heard, Light};
use crate::phones::Handset;
use crate::world::{LAST_WORD, World};
use chat_protocol::RoomId;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// For what is on its way when all is well again: the bus' next connection, and the phones' backoff.
const SETTLES: Duration = Duration::from_secs(45);

/// The figures of a run in which nothing was wrong.
pub(crate) struct Verdict {
    confirmed: usize,
    phoned: usize,
    doubts: usize,
    deliveries: usize,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { confirmed, phoned, doubts, deliveries } = self;
        write!(
            f,
            "{} messages confirmed ({doubts} attempts left in doubt and repeated), {deliveries} deliveries checked",
            confirmed + phoned + ROOMS
        )
    }
}

/// Waits until no phone has anything left to send: one that has failed a few times waits half a minute.
pub(crate) async fn phones_have_sent_all(phones: &[Handset]) {
    settle("every phone has sent all", || {
        phones.iter().find(|it| !it.has_sent_all()).map(|it| it.name.clone())
    })
    .await;
}

/// Waits until everybody has as many messages as there are, and looks whether they are the same.
pub(crate) async fn reached(world: &World, light: &[Light], phones: &[Handset]) -> Verdict {
    let mut stored = HashMap::new();
    for room in &world.rooms {
        stored.insert(*room, truth(world, *room).await);
    }
    settle("everybody has everything", || {
        let behind = |name: &str, has: usize, room: &RoomId| {
            let all = stored[room].len();
            (has < all).then(|| format!("{name}, who has {has} of {all}"))
        };
        let light = light.iter().find_map(|it| behind(&it.name, it.heard().len(), &it.room));
        light.or_else(|| {
            phones.iter().find_map(|it| behind(&it.name, it.phone.listener.ids().len(), &it.room))
        })
    })
    .await;

    let mut deliveries = 0;
    for member in light {
        same(&member.name, &member.heard(), &stored[&member.room]);
        deliveries += member.heard().len();
    }
    for handset in phones {
        let listener = &handset.phone.listener;
        let shown = listener.ids().into_iter().zip(listener.texts());
        let shown: Vec<_> = shown.map(|(id, text)| Heard { seq: id, id, text }).collect();
        same(&handset.name, &shown, &stored[&handset.room]);
        deliveries += shown.len();
    }
    let confirmed = light.iter().map(|member| member.confirmed().len()).sum();
    let phoned = phones.iter().map(|handset| handset.written.lock().unwrap().len()).sum();
    for member in light {
        for (id, text) in member.confirmed() {
            let kept = stored[&member.room].get(id as usize - 1);
            assert!(kept.is_some_and(|kept| kept.text == text), "confirmed and not stored: {id} {text:?}");
        }
    }
    let all: HashSet<_> = stored.values().flatten().map(|kept| kept.text.as_str()).collect();
    for handset in phones {
        for text in handset.written.lock().unwrap().iter() {
            assert!(all.contains(text.as_str()), "shown as sent and not stored: {text:?}");
        }
    }
    // The last words are all the same one.
    assert!(stored.values().all(|room| room.last().is_some_and(|last| last.text == LAST_WORD)));
    assert_eq!(all.len(), confirmed + phoned + 1, "stored is what was said, and nothing was said twice");
    let doubts = light.iter().map(Light::doubts).sum();
    Verdict { confirmed, phoned, doubts, deliveries }
}

/// What the store holds of a room: numbered without a hole, and nothing twice.
async fn truth(world: &World, room: RoomId) -> Vec<Heard> {
    let stored = world.stored(room).await;
    let mut texts = HashSet::new();
    for (at, message) in stored.iter().enumerate() {
        // Nobody edits here, so that a message's change has its own number.
        assert_eq!((message.id.get(), message.seq.get()), (at as i64 + 1, at as i64 + 1), "room {room}");
        assert!(texts.insert(message.text.clone()), "stored twice: {:?}", message.text);
    }
    let heard = |message: chat_protocol::Message| Heard {
        seq: message.seq.get(),
        id: message.id.get(),
        text: message.text,
    };
    stored.into_iter().map(heard).collect()
}

/// Everything, once, in the order of the changes.
fn same(name: &str, has: &[Heard], stored: &[Heard]) {
    if let Some(at) = (0..has.len().max(stored.len())).find(|at| has.get(*at) != stored.get(*at)) {
        panic!("{name} has {:?} in the place of {:?}", has.get(at), stored.get(at));
    }
}

async fn settle(what: &str, wrong: impl Fn() -> Option<String>) {
    let begun = Instant::now();
    while let Some(who) = wrong() {
        assert!(begun.elapsed() < SETTLES, "never happened: {what}: {who}");
        sleep(Duration::from_millis(50)).await;
    }
}
