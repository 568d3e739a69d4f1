//! Whole frames, whatever the kernel takes.

use super::{SocketSink, Wire};
use crate::hub::Direct;
use bytes::Bytes;
use std::future::poll_fn;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn nothing_comes_into_the_middle_of_a_frame_that_the_kernel_took_half_of() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    // Its read half stays open: a socket half closed would be another matter.
    let (_source, wire) = listener.accept().await.unwrap().0.into_split();
    wire.writable().await.unwrap();
    let sink = SocketSink::new(Wire::Plain(wire));
    // More than two kernels hold.
    let (large, small) = (Bytes::from(vec![b'l'; 32 << 20]), Bytes::from_static(b"small"));
    sink.begin();
    sink.answer(&large);
    // The peer reads on, so that there is room again.
    let mut read = vec![0; 1 << 20];
    timeout(DEADLINE, peer.read_exact(&mut read)).await.unwrap().unwrap();
    assert!(!sink.offer(&small), "half a frame is still to be written");
    let (written, rest) = tokio::join!(poll_fn(|cx| sink.poll_written(cx)), async {
        let mut rest = vec![0; large.len() - read.len()];
        timeout(DEADLINE, peer.read_exact(&mut rest)).await.unwrap().unwrap();
        rest
    });
    written.unwrap();
    assert!(read.iter().chain(&rest).all(|byte| *byte == b'l'));
    assert!(sink.offer(&small), "all is written");
    let mut after = [0; 5];
    timeout(DEADLINE, peer.read_exact(&mut after)).await.unwrap().unwrap();
    assert_eq!(after, *small);
}
