//! Where settings come from, on the server's own flags.

use super::{ConfigError, Parsed, parse};
use crate::cli::{Cli, Command as Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use tempfile::TempDir;

/// A configuration file with this in it.
fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn with(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Parsed<Cli>, ConfigError> {
    let arguments = std::iter::once("chat-server").chain(arguments.iter().copied());
    let environment = |name: &str| {
        let variable = environment.iter().find(|(known, _)| *known == name);
        variable.map(|(_, value)| OsString::from(value))
    };
    parse(arguments.map(OsString::from).collect(), &environment)
}

/// With a file of this text.
fn with_file(
    text: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<Parsed<Cli>, ConfigError> {
    let (_folder, path) = file(text);
    let path = path.to_str().unwrap().to_owned();
    let environment: Vec<_> = environment.iter().copied().chain([("CHAT_CONFIG", path.as_str())]).collect();
    with(arguments, &environment)
}

#[track_caller]
fn wrong(outcome: Result<Parsed<Cli>, ConfigError>) -> String {
    match outcome {
        Err(ConfigError::Setting(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_flag_wins_over_the_environment_that_over_the_file_and_that_over_what_is_built_in() {
    let text = "max-wait = 11\nheartbeat = 12\nbatch-count = 13";
    let environment = [("CHAT_MAX_WAIT", "21"), ("CHAT_HEARTBEAT", "22")];
    let streams = with_file(text, &["--max-wait", "31"], &environment).unwrap().cli.serve.streams;
    assert_eq!((streams.max_wait, streams.heartbeat, streams.batch_count), (31, 22, 13));
    assert_eq!(streams.max_room_listeners, 10_000);
}

#[test]
fn an_empty_variable_is_none() {
    let streams = with_file("max-wait = 11", &[], &[("CHAT_MAX_WAIT", "")]).unwrap().cli.serve.streams;
    assert_eq!(streams.max_wait, 11);
}

#[test]
fn lists_are_lists_in_the_file_and_have_commas_in_the_environment() {
    let origins = |parsed: Parsed<Cli>| format!("{:?}", parsed.cli.serve.access.allow_origin);
    let flags = ["--allow-origin", "https://a.example", "--allow-origin", "https://b.example"];
    let by_flags = origins(with(&flags, &[]).unwrap());
    let by_file = with_file("allow-origin = ['https://a.example', 'https://b.example']", &[], &[]);
    assert_eq!(origins(by_file.unwrap()), by_flags);
    let by_environment = with(&[], &[("CHAT_ALLOW_ORIGIN", "https://a.example, https://b.example")]);
    assert_eq!(origins(by_environment.unwrap()), by_flags);
}

#[test]
fn what_is_wrong_is_named_by_its_place_its_key_and_the_reason() {
    for (text, place, why) in [
        ("\nmax-wiat = 5", ":2: ", "max-wiat is not a setting; did you mean max-wait?"),
        ("jwt_secret = 5", ":1: ", "jwt_secret is not a setting; did you mean jwt-secret?"),
        ("server = 5", ":1: ", "server is not a setting; the settings are the flags"),
        (
            "\n[server]\nlisten = 5",
            ":2: ",
            "server is a table; settings stand at the top level, without tables",
        ),
        ("[[nodes]]", ":1: ", "nodes is a table; "),
        ("server.listen = 5", ":1: ", "server is a table; "),
        ("gibberish = 5", ":1: ", "gibberish is not a setting; the settings are the flags"),
        ("config = 'x'", ":1: ", "config is not a setting"),
        ("\n\nmax-wait = 99", ":3: ", "max-wait: 99 is not in 5..=55"),
        ("max-wait = [5, 6]", ":1: ", "max-wait: is one value, not a list"),
        ("log = 'loud'", ":1: ", "log: is one of off, error, warn, info, debug, trace"),
        ("batch-window = '1 fortnight'", ":1: ", "batch-window: unknown time unit"),
        ("listen = { port = 8080 }", ":1: ", "listen: is a text, a decimal number, true or false, or a list"),
        ("listen = ", ":1: ", "string values must be quoted"),
    ] {
        let said = wrong(with_file(text, &[], &[]));
        assert!(said.contains(&format!("chat.toml{place}")) && said.contains(why), "{text}: {said}");
    }
    let said = wrong(with(&[], &[("CHAT_HEARTBEAT", "0")]));
    assert_eq!(said, "CHAT_HEARTBEAT: heartbeat: 0 is not in 1..=50");
    let said = wrong(with(&["--config", "/nowhere/chat.toml"], &[]));
    assert!(said.starts_with("cannot read /nowhere/chat.toml: "), "{said}");
}

#[test]
fn no_usage_shows_what_a_refused_url_holds() {
    for refused in [
        &["--jwks", "http://user:hidden@issuer.example/jwks?key=hidden"][..],
        &["--jwks=http://hidden@issuer.example/jwks"],
        &["--otlp-endpoint", "ftp://user:hidden@collector"],
        &["--allow-origin", "https://hidden@chat.example"],
        &["--listen", "http://user:hidden@here"],
        &["--database", "chat.db", "postgres://chat:hidden@db/chat"],
    ] {
        let ConfigError::Usage(usage) = with(refused, &[]).unwrap_err() else { panic!("{refused:?}") };
        let said = usage.to_string();
        assert!(said.contains("://(hidden)@") && !said.replace("(hidden)", "").contains("hidden"), "{said}");
        if let [flag, url] = refused {
            let wrong = wrong(with(&[], &[(&super::variable(&flag[2..]), url)]));
            assert!(!wrong.contains("hidden"), "{wrong}");
        }
    }
}

#[test]
fn no_error_shows_a_secret() {
    for text in ["jwt-secret = 's3cr3t", "jwt-secret = ['s3cr3t', 's3cr3t']", "jwt-secret = s3cr3t"] {
        let said = wrong(with_file(text, &[], &[]));
        assert!(!said.contains("s3cr3t"), "{said}");
    }
    let parsed = with(&["--metrics-token=s3cr3t"], &[("CHAT_JWT_SECRET", "s3cr3t")]).unwrap();
    assert!(!format!("{parsed:?}").contains("s3cr3t"), "{parsed:?}");
    let disguised = ["--metrics-token=a://s3cr3t", "--redis=redis+unix:///run/redis?pass=s3cr3t"];
    let printed = with(&disguised, &[]).unwrap().printed;
    assert!(!printed.contains("s3cr3t"), "{printed}");
}

#[test]
fn what_goes_together_may_come_from_different_places() {
    let access = with_file("tls-key = 'key.pem'", &["--tls-cert", "cert.pem"], &[]).unwrap().cli.serve.access;
    assert_eq!(access.tls_key.unwrap(), PathBuf::from("key.pem"));
    let alone = with_file("tls-key = 'key.pem'", &[], &[]);
    assert!(matches!(alone, Err(ConfigError::Usage(why)) if why.to_string().contains("--tls-cert")));
}

#[test]
fn a_command_heeds_what_it_shares_with_the_server_and_leaves_out_the_rest() {
    let (_folder, path) = file("jwt-secret = 'from the file'\nmax-wait = 11");
    for arguments in [
        &["token", "--user", "alice", "--config", path.to_str().unwrap()][..],
        &["token", "--config", path.to_str().unwrap(), "--user", "token"],
    ] {
        let cli = with(arguments, &[]).unwrap().cli;
        let Some(Subcommand::Token(token)) = cli.command else { panic!("{cli:?}") };
        assert_eq!(token.secret().unwrap().reveal(), "from the file");
    }
}

#[test]
fn the_file_may_be_named_in_front_of_a_command() {
    let (_folder, path) = file("jwt-secret = 'from the file'\nmax-wait = 11");
    let path = path.to_str().unwrap();
    let environment = [("CHAT_DATABASE", "messages.db"), ("CHAT_JWT_SECRET", "from the environment")];
    for (arguments, environment, secret) in [
        (&["--config", path, "token", "--user", "alice"][..], &[][..], "from the file"),
        (&["--config", path, "token", "--user", "alice"], &environment, "from the environment"),
        (&[&format!("--config={path}"), "token", "--user", "token"], &[], "from the file"),
    ] {
        let cli = with(arguments, environment).unwrap().cli;
        let Some(Subcommand::Token(token)) = cli.command else { panic!("{cli:?}") };
        assert_eq!(token.secret().unwrap().reveal(), secret);
    }
}

#[test]
fn an_option_in_front_of_a_command_is_refused_by_name_and_nothing_that_nobody_typed_is() {
    let environment = [("CHAT_JWT_SECRET", "s3cr3t"), ("CHAT_MAX_WAIT", "11")];
    let refused = with(&["--listen", "127.0.0.1:0", "room", "list"], &environment);
    let Err(ConfigError::Usage(why)) = refused else { panic!("{refused:?}") };
    let why = why.to_string();
    assert!(why.contains("in front of `room list` only --config may stand, not --listen: "), "{why}");
    assert!(!why.contains("jwt-secret") && !why.contains("max-wait"), "{why}");
}

#[test]
fn a_url_of_another_database_is_refused_in_words_without_its_password() {
    let words = "it is neither a file nor PostgreSQL: give a path, or a URL that begins with postgres://";
    let url = "mysql://chat:s3cr3t@db/chat";
    let said = wrong(with(&[], &[("CHAT_DATABASE", url)]));
    assert_eq!(said, format!("CHAT_DATABASE: database: {words}"));
    let said = wrong(with_file(&format!("database = '{url}'"), &[], &[]));
    assert!(said.ends_with(&format!("chat.toml:1: database: {words}")), "{said}");
    for arguments in [&["--database", url][..], &["room", "list", "--database", url]] {
        let refused = with(arguments, &[]);
        let Err(ConfigError::Usage(why)) = refused else { panic!("{refused:?}") };
        let why = why.to_string();
        assert!(why.contains(words) && !why.contains("s3cr3t"), "{why}");
    }
    for taken in ["postgres://chat@db/chat", "postgresql://chat@db/chat", "mysql", "a:/b"] {
        with(&["--database", taken], &[]).unwrap();
    }
}

#[test]
fn what_is_printed_says_where_each_setting_is_from_and_reads_back_as_the_same() {
    let text = "listen = '127.0.0.1:9'\nbatch-window = '20ms'\njwt-secret = 'hidden'";
    let environment = [("CHAT_DATABASE", "messages.db"), ("CHAT_ALLOW_ORIGIN", "https://a.example")];
    let printed = with_file(text, &["--max-wait=7", "--print-config"], &environment).unwrap();
    assert!(printed.cli.config.print_config);
    let printed = printed.printed;
    for line in [
        "database = \"messages.db\"  # CHAT_DATABASE",
        "max-wait = 7  # --max-wait",
        "heartbeat = 25  # built in",
        "allow-origin = [\"https://a.example\"]  # CHAT_ALLOW_ORIGIN",
        "# tls-cert is not set",
    ] {
        assert!(printed.lines().any(|known| known == line), "no {line} in\n{printed}");
    }
    let of_the_file = |start: &str| {
        let line = printed.lines().find(|line| line.starts_with(start)).unwrap();
        assert!(line.contains("chat.toml:"), "{line}");
    };
    of_the_file("listen = \"127.0.0.1:9\"  # ");
    of_the_file("batch-window = \"20ms\"  # ");
    of_the_file("# jwt-secret = \"(hidden)\"  # ");
    assert!(!printed.contains("\"hidden\""), "{printed}");

    let again = with_file(&printed, &[], &[]).unwrap().printed;
    let settings = |text: &str| toml::from_str::<toml::Table>(text).unwrap();
    assert_eq!(settings(&again), settings(&printed));
    assert_eq!(settings(&again)["max-wait"].as_integer(), Some(7));
}

#[test]
fn a_database_of_which_nobody_can_say_where_its_password_ends_is_not_printed() {
    let given = "postgres://chat:12@hunter2/34@db/chat";
    let printed = with_file("", &["--print-config", "--database", given], &[]).unwrap().printed;
    assert!(printed.contains("# database = \"(hidden)\"") && !printed.contains("hunter2"), "{printed}");
    for given in ["host=db password=hunter2", "user=chat password=hunter2"] {
        let ConfigError::Usage(why) = with(&["--database", given], &[]).unwrap_err() else {
            panic!("{given}")
        };
        let why = why.to_string();
        assert!(why.contains("neither a file nor PostgreSQL") && !why.contains("hunter2"), "{why}");
    }
}
