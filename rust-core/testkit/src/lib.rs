//! What tests share. Real parts first ([`ServerProcess`], behind a [`FaultProxy`] where the network
//! has to fail), doubles only where a fault must happen on cue ([`ScriptedServer`], [`FakeTransport`]).
//!
//! A double fails the test when it is asked for something nobody prepared. Everything ends when it
//! is dropped. Whatever waits does so with a deadline ([`eventually`]), and never just sleeps.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on should say so and stop.

mod balancer;
mod builders;
pub mod conformance;
mod fake_transport;
mod fault_proxy;
mod listener;
mod model_server;
mod phone;
mod process;
mod scripted_server;
pub mod services;
mod stream_server;
mod wait;

pub use balancer::Balancer;
pub use builders::{LIVE, TOKEN, config, message, page, user};
pub use fake_transport::{Asked, FakeTransport};
pub use fault_proxy::FaultProxy;
pub use listener::{RecordingListener, RecordingRoomList};
pub use model_server::{Begins, By, Fate, Kind, Mishap, ModelServer, StreamMishap, Want, Wanted};
pub use phone::Phone;
pub use process::{SECRET, Sayer, ServerProcess, binary, count_of_own};
pub use scripted_server::{Reply, Request, ScriptedServer};
pub use stream_server::{Opening, StreamServer, Then, Told};
pub use wait::{DEADLINE, eventually, wait};
