//! The files that run the server elsewhere name nothing that is not there.

use crate::common::{Server, binary};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

fn deploy(name: &str) -> String {
    fs::read_to_string(root().join("chat-server/deploy").join(name)).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every setting, as the binary prints them.
fn settings() -> BTreeSet<String> {
    let printed = binary().arg("--print-config").output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let name = |line: &str| {
        let line = line.trim_start_matches("# ");
        let name = line
            .split(" = ")
            .next()?
            .strip_suffix(" is not set")
            .or(line.split_once(" = ").map(|of| of.0))?;
        Some(name.to_owned())
    };
    printed.lines().filter_map(name).collect()
}

#[test]
fn every_variable_that_they_set_is_a_setting() {
    let known: BTreeSet<String> =
        settings().iter().map(|name| format!("CHAT_{}", name.to_uppercase().replace('-', "_"))).collect();
    assert!(known.contains("CHAT_JWT_SECRET") && known.contains("CHAT_DRAIN_DELAY"), "{known:?}");
    for file in ["Dockerfile", "compose.yaml", "chat.toml", "chat-server.service"] {
        let text = deploy(file);
        let words = text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
        for word in words.filter(|word| word.starts_with("CHAT_")) {
            assert!(known.contains(word), "{file}: {word}");
        }
    }
}

#[test]
fn the_example_of_a_file_is_one_that_the_server_takes() {
    let file = root().join("chat-server/deploy/chat.toml");
    // What stands there as a comment, too.
    let all = deploy("chat.toml").replace("\nlisten", "\n# listen").replace("\ndatabase", "\n# database");
    let all: String = all
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(setting) if setting.contains(" = ") => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let all = all.replacen("database =", "# database =", 1);
    let folder = tempfile::tempdir().unwrap();
    let uncommented = folder.path().join("all.toml");
    fs::write(&uncommented, all).unwrap();
    for file in [file, uncommented] {
        let output = binary().arg("--print-config").arg("--config").arg(&file).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(printed.contains("drain-delay = \"5s\"  # "), "{printed}");
    }
}

#[test]
fn what_the_dockerfile_copies_is_there_and_is_not_ignored() {
    let ignore = deploy("Dockerfile.dockerignore");
    let mut copied = 0;
    for line in
        deploy("Dockerfile").lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from"))
    {
        let mut sources: Vec<&str> = line.split(' ').skip(1).collect();
        sources.pop();
        for source in sources {
            assert!(root().join(source).exists(), "{line}");
            assert!(ignore.lines().any(|kept| kept == format!("!{source}")), "{source} is ignored");
            copied += 1;
        }
    }
    assert!(copied > 3);
    // Every member of the workspace has to be there, or Cargo builds none.
    for member in fs::read_to_string(root().join("Cargo.toml")).unwrap().lines() {
        let Some(member) = member.trim().strip_prefix('"').and_then(|member| member.strip_suffix("\","))
        else {
            continue;
        };
        let top = member.split('/').next().unwrap();
        assert!(deploy("Dockerfile").contains(&format!("COPY {top} {top}\n")), "{member} is missing");
    }
    let toolchain = fs::read_to_string(root().join("rust-toolchain.toml")).unwrap();
    let version = toolchain.split('"').nth(1).unwrap();
    assert!(deploy("Dockerfile").contains(&format!("FROM rust:{version}-")), "{version}");
}

#[test]
fn what_the_unit_starts_the_binary_takes() {
    let unit = deploy("chat-server.service");
    let start =
        unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/chat-server ")).unwrap();
    let help = String::from_utf8(binary().arg("--help").output().unwrap().stdout).unwrap();
    for flag in start.split(' ').filter(|word| word.starts_with("--")) {
        assert!(help.contains(flag), "{flag}");
    }
}

#[test]
fn the_proxy_finds_nodes_that_are_new_and_its_version_can() {
    let said: Vec<String> = deploy("nginx.conf").lines().map(|line| line.trim().to_owned()).collect();
    for directive in ["resolver 127.0.0.11 ", "zone chat ", "server chat:8080 resolve;"] {
        assert!(said.iter().any(|line| line.starts_with(directive)), "{directive}");
    }
    let compose = deploy("compose.yaml");
    let image = compose.lines().find_map(|line| line.trim().strip_prefix("image: nginx:")).unwrap();
    let version: Vec<u32> =
        image.split('-').next().unwrap().split('.').map(|part| part.parse().unwrap()).collect();
    // Older ones sell `resolve`, and do not start with it.
    assert!(version >= vec![1, 27, 3], "{image}");
}

#[test]
fn a_container_asks_the_server_itself_whether_it_lives() {
    let server = Server::start();
    let health = |address: &str| binary().args(["health"]).env("CHAT_LISTEN", address).output().unwrap();
    assert!(health(server.address()).status.success());
    let port = server.address().rsplit_once(':').unwrap().1.to_owned();
    assert!(health(&format!("0.0.0.0:{port}")).status.success());
    server.kill();
    let gone = health(&format!("0.0.0.0:{port}"));
    assert_eq!(gone.status.code(), Some(1));
    assert!(String::from_utf8(gone.stderr).unwrap().contains("does not answer"));
}

#[test]
fn systemd_is_told_when_it_is_up_and_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd.set_read_timeout(Some(crate::common::DEADLINE)).unwrap();
    let told = || {
        let mut message = [0; 100];
        let length = systemd.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let mut child = binary()
        .args(["--listen", "127.0.0.1:0", "--database"])
        .arg(folder.path().join("chat.db"))
        .env("NOTIFY_SOCKET", &path)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(told().trim(), "READY=1");
    let status = std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(status.success());
    assert_eq!(told().trim(), "STOPPING=1");
    assert!(child.wait().unwrap().success());
}
