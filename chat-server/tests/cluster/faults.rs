//! Two hands that break things at the same time: one the nodes, one what they stand on.

use crate::world::{NODES, World, pause};
use std::fmt;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// What was broken, and how often.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    nodes: usize,
    redis: usize,
    cuts: usize,
    crashes: usize,
    restarts: usize,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nodes, redis, cuts, crashes, restarts } = self;
        write!(
            f,
            "{nodes} nodes killed, Redis killed {redis} and its listeners cut {cuts} times, PostgreSQL crashed \
             {crashes} and restarted {restarts} times"
        )
    }
}

impl Faults {
    /// Breaks things for so long, and leaves all of them mended.
    pub(crate) async fn rage(world: &World, fire: Duration, random: &mut fastrand::Rng) -> Self {
        let until = Instant::now() + fire;
        // A node cannot start without its database; whoever starts one waits for that.
        let database = Mutex::new(());
        let nodes = break_nodes(world, until, &database, random.fork());
        let services = break_services(world, until, &database, random.fork());
        let (nodes, services) = tokio::join!(nodes, services);
        Self { nodes, redis: services.redis + 1, ..services } // the last act is still to come
    }
}

/// Each node in turn, again and again.
async fn break_nodes(
    world: &World,
    until: Instant,
    database: &Mutex<()>,
    mut random: fastrand::Rng,
) -> usize {
    let mut killed = 0;
    while Instant::now() < until {
        pause(&mut random, 1_000..3_000).await;
        let node = &world.nodes[killed % NODES];
        tokio::task::block_in_place(|| node.lock().unwrap().kill());
        killed += 1;
        pause(&mut random, 300..2_500).await;
        let _there = database.lock().await;
        tokio::task::block_in_place(|| node.lock().unwrap().restart());
    }
    killed
}

/// The rest, each kind before any comes again.
async fn break_services(
    world: &World,
    until: Instant,
    database: &Mutex<()>,
    mut random: fastrand::Rng,
) -> Faults {
    let mut faults = Faults::default();
    let mut kinds = [0, 1, 2, 3];
    while Instant::now() < until {
        random.shuffle(&mut kinds);
        for kind in kinds {
            pause(&mut random, 1_500..4_000).await;
            let away = 500..3_000;
            match kind {
                0 => {
                    world.redis().kill();
                    pause(&mut random, away).await;
                    world.redis().restart();
                    faults.redis += 1;
                }
                1 => {
                    world.redis().cut_listeners();
                    faults.cuts += 1;
                }
                _ => {
                    let _away = database.lock().await;
                    match kind {
                        2 => tokio::task::block_in_place(|| world.postgres.kill()),
                        _ => tokio::task::block_in_place(|| world.postgres.stop()),
                    }
                    pause(&mut random, away).await;
                    tokio::task::block_in_place(|| world.postgres.restart());
                    *(if kind == 2 { &mut faults.crashes } else { &mut faults.restarts }) += 1;
                }
            }
        }
    }
    faults
}
