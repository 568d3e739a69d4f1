//! A Unix socket between the engine and its server that counts what passes: exact, whatever travels inside,
//! TLS and upgraded connections included. Gone when dropped.

use anyhow::Context;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What has passed.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    connections: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
}

impl Passed {
    /// Connections, bytes up, bytes down.
    pub(crate) fn read(&self) -> (u64, u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (of(&self.connections), of(&self.up), of(&self.down))
    }
}

/// The socket.
pub(crate) struct Relay {
    path: PathBuf,
    passed: Arc<Passed>,
    _folder: tempfile::TempDir,
}

impl Relay {
    /// Carries connections to `server`, as `host:port`.
    pub(crate) fn start(server: String) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("a temporary folder")?;
        let path = folder.path().join("relay");
        let listener = UnixListener::bind(&path).context("a socket for counting")?;
        let passed = Arc::new(Passed::default());
        let counts = passed.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                counts.connections.fetch_add(1, Ordering::Relaxed);
                let (server, counts) = (server.clone(), counts.clone());
                std::thread::spawn(move || carry(client, &server, &counts));
            }
        });
        Ok(Self { path, passed, _folder: folder })
    }

    /// Where the engine connects.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What has passed so far.
    pub(crate) fn passed(&self) -> &Passed {
        &self.passed
    }
}

/// Carries one connection. When one side is gone the other is hung up on, which is all there is to tell it.
fn carry(client: UnixStream, server: &str, passed: &Arc<Passed>) {
    let Ok(server) = TcpStream::connect(server) else { return };
    // Small things are to leave at once; a refusal only makes them late.
    let _ = server.set_nodelay(true);
    let (Ok(mut client_reads), Ok(mut server_reads)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    let (mut client_writes, mut server_writes) = (client, server);
    let counts = passed.clone();
    let up = std::thread::spawn(move || {
        copy(&mut client_reads, &mut server_writes, &counts.up);
        let _ = server_writes.shutdown(Shutdown::Both);
    });
    copy(&mut server_reads, &mut client_writes, &passed.down);
    let _ = client_writes.shutdown(Shutdown::Both);
    let _ = up.join();
}

fn copy(from: &mut impl Read, to: &mut impl Write, count: &AtomicU64) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer) else { return };
        count.fetch_add(read as u64, Ordering::Relaxed);
        if to.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
}
