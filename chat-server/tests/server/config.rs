//! Settings by flag, environment and file, of the real process.

use crate::common::{SECRET, binary, token};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

#[test]
fn a_server_starts_from_a_file_alone_and_so_do_the_other_commands() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chat.toml");
    let database = folder.path().join("messages.db");
    std::fs::write(
        &file,
        format!("listen = '127.0.0.1:0'\ndatabase = '{}'\njwt-secret = '{SECRET}'\n", database.display()),
    )
    .unwrap();
    let mut child =
        binary().env("CHAT_CONFIG", &file).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("listening on http://127.0.0.1:"), "{line}");
    assert!(database.exists());

    let minted = binary().args(["token", "--user", "alice", "--config"]).arg(&file).output().unwrap();
    let minted = String::from_utf8(minted.stdout).unwrap();
    let header = |token: &str| token.split_once('.').unwrap().0.to_owned();
    assert_eq!(header(&minted), header(&token("alice")));
}

#[test]
fn a_file_in_front_of_a_command_may_be_called_like_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), format!("jwt-secret = '{SECRET}'\nmax-wait = 11\n")).unwrap();
    let minted = binary()
        .args(["--config", "token", "token", "--user", "token"])
        .env("CHAT_JWT_AUDIENCE", "phones")
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(minted.status.success(), "{}", String::from_utf8_lossy(&minted.stderr));
}

#[test]
fn a_wrong_file_is_a_wrong_command_line_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chat.toml");
    std::fs::write(&file, "# ours\nheart-beat = 5\n").unwrap();
    let output = binary().arg("--config").arg(&file).current_dir(&folder).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.ends_with("chat.toml:2: heart-beat is not a setting; did you mean heartbeat?\n"), "{said}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn a_misspelt_variable_is_told_once_at_the_start_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = binary()
        .args(["--listen", "127.0.0.1:0"])
        .env("CHAT_JWT_SECRET", SECRET)
        .env("CHAT_MAX_WIAT", "3")
        .current_dir(&folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    let log = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(line.starts_with("listening on "), "{line}{log}");
    let told = "CHAT_MAX_WIAT is not a setting and changes nothing; did you mean CHAT_MAX_WAIT?";
    assert_eq!(log.matches(told).count(), 1, "{log}");
    assert_eq!(log.matches("did you mean").count(), 1, "{log}");
}

#[test]
fn the_settings_are_printed_and_the_server_is_not_started() {
    let folder = tempfile::tempdir().unwrap();
    let output = binary()
        .args(["--print-config", "--listen", "0.0.0.0:80"])
        .env("CHAT_JWT_SECRET", "hidden")
        .current_dir(&folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let printed = String::from_utf8(output.stdout).unwrap();
    let settings: toml::Table = printed.parse().unwrap();
    assert_eq!(settings["listen"].as_str(), Some("0.0.0.0:80"));
    assert!(printed.contains("# jwt-secret = \"(hidden)\"  # CHAT_JWT_SECRET\n"), "{printed}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "nothing was made");
}
