//! The services that a grown server stands on, as real processes from Debian's packages. Each is started by the test
//! that wants it, in a temporary folder, on a port of its own that it keeps when it is killed and started again, and
//! ends when it is dropped.

mod postgres;
mod redis;

pub use postgres::{Held, Postgres};
pub use redis::Redis;

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command};

/// A port that nobody has, below those that the system gives to connections: what listens here may go away and come
/// back, and no client's own end takes the place meanwhile.
pub fn free_port() -> u16 {
    (0..1_000)
        .map(|_| fastrand::u16(10_000..32_000))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("a free port")
}

/// Starts a program, or says what to install.
fn spawn(command: &mut Command, package: &str) -> Child {
    match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("{:?} is missing: install it (Debian package: {package})", command.get_program())
        }
        Err(error) => panic!("{:?}: {error}", command.get_program()),
    }
}
