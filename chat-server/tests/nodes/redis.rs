//! Redis as operators have it: with a password, with TLS, or not there at all.

use crate::line::By;
use crate::{NEVER, Nodes};
use chat_testkit::services::Redis;
use chat_testkit::{ServerProcess, binary, eventually};
use std::process::Command;
use std::time::Duration;

#[tokio::test]
async fn it_may_speak_tls_and_be_vouched_for_by_an_authority_of_ones_own() {
    let redis = Redis::start_with_tls();
    let (url, authority) = (redis.tls_url(), redis.authority());
    let trusting = ["--redis", &url, "--resync-interval", NEVER, "--redis-ca", authority.to_str().unwrap()];
    let nodes = Nodes::start(&trusting, &trusting);
    nodes.are_there(&redis, 2).await;
    let bob = nodes.bob(By::Sse);
    nodes.say("in confidence");
    bob.has(&["in confidence"]).await;

    let wary = nodes.a.beside(&["--redis", &url]);
    eventually("it says so", || wary.log().contains("redis is away")).await;
    assert_eq!(redis.listeners("chat"), 2, "nobody known vouches for it");
}

#[tokio::test]
async fn a_password_is_never_shown_right_or_wrong() {
    let redis = Redis::start();
    let wrong = redis.url().replace(redis.password(), "not-the-word");
    let (right, wrong) = (
        ServerProcess::start_with(&["--redis", &redis.url(), "--log", "trace"]),
        ServerProcess::start_with(&["--redis", &wrong, "--log", "trace"]),
    );
    eventually("one is on the bus", || right.log().contains("redis is there")).await;
    eventually("the other is not", || wrong.log().contains("redis is away")).await;
    assert!(!right.log().contains(redis.password()), "{}", right.log());
    assert!(!wrong.log().contains("not-the-word"), "{}", wrong.log());
    assert!(wrong.log().contains("WRONGPASS") || wrong.log().contains("uthentication"), "{}", wrong.log());
}

#[tokio::test]
async fn a_user_who_may_listen_and_not_publish_is_one_line_in_the_log() {
    let redis = Redis::start();
    redis.command(&["ACL", "SETUSER", "mute", "on", ">word", "~*", "&*", "+@all", "-publish"]);
    let url = redis.url().replace(&format!(":{}@", redis.password()), "mute:word@");
    let mute = ServerProcess::start_with(&["--redis", &url]);
    eventually("it says so", || mute.log().contains("redis is away")).await;
    tokio::time::sleep(Duration::from_secs(2)).await; // for what it does next, again and again
    let log = mute.log();
    assert_eq!(log.matches("redis is").count(), 1, "{log}");
    assert!(log.contains("NOPERM") || log.contains("permission"), "{log}");
}

#[tokio::test]
async fn a_server_starts_and_serves_without_the_redis_it_was_told_of() {
    let mut redis = Redis::start();
    redis.kill();
    let nodes = Nodes::start(&["--redis", &redis.url()], &["--redis", &redis.url()]);
    nodes.say("hello");
    let bob = nodes.bob(By::Sse);
    bob.has(&["hello"]).await;
    eventually("it says so", || nodes.b.log().contains("redis is away")).await;
    redis.restart();
    nodes.are_there(&redis, 2).await;
    nodes.say("at last");
    bob.has(&["hello", "at last"]).await;
}

#[test]
fn an_address_that_is_none_is_refused_and_not_repeated() {
    for (options, why) in [
        (vec!["--redis", "http://:hunter2@host"], "--redis takes redis://"),
        (vec!["--redis", "hunter2"], "--redis takes redis://"),
        (vec!["--redis", "redis://localhost", "--redis-channel", ""], "--redis-channel"),
        (vec!["--redis", "rediss://localhost", "--redis-ca", "/nowhere"], "--redis-ca"),
        (vec!["--redis", "redis://localhost", "--redis-ca", "/dev/null"], "rediss://"),
        (vec!["--redis-ca", "/dev/null"], "--redis"),
        (vec!["--resync-interval", "0s"], "--resync-interval"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(binary("chat-server"));
        let output =
            command.current_dir(folder.path()).args(["--listen", "127.0.0.1:0"]).args(&options).output();
        let output = output.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && stderr.contains(why), "{options:?}: {stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
}
