//! `--print-config`: every setting with where it is from, as a file that says the same.
//!
//! Secrets are left out of it, as comments, and so is a value with a password in it: what is printed can be shown to
//! anybody, and read back it is incomplete rather than wrong.

use super::config::{Given, settings, variable};
use crate::store::PostgresUrl;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::fmt::Write;

/// What stands for a secret.
const HIDDEN: &str = "(hidden)";

pub(super) fn settings_as_toml(server: &Command, matches: &ArgMatches, given: &Given) -> String {
    let mut printed = String::from("# What chat-server runs with, and where each setting is from.\n");
    let mut heading = None;
    for (name, arg) in settings(server) {
        if heading != Some(arg.get_help_heading()) {
            heading = Some(arg.get_help_heading());
            // A String takes whatever is written.
            let _ = writeln!(printed, "\n# {}", arg.get_help_heading().unwrap_or("Server"));
        }
        let _ = writeln!(printed, "{}", line(name, arg, matches, given));
    }
    printed
}

fn line(name: &str, arg: &Arg, matches: &ArgMatches, given: &Given) -> String {
    let id = arg.get_id().as_str();
    let values: Vec<String> = matches
        .get_raw(id)
        .map(|values| values.map(|value| value.to_string_lossy().into_owned()).collect())
        .unwrap_or_default();
    let from = match (given.get(id), matches.value_source(id)) {
        (Some(setting), _) => setting.from.clone(),
        (None, Some(ValueSource::CommandLine)) => format!("--{name}"),
        (None, Some(ValueSource::EnvVariable)) => variable(name),
        (None, _) => "built in".to_owned(),
    };
    if let ArgAction::SetTrue = arg.get_action() {
        return format!("{name} = {}  # {from}", matches.get_flag(id));
    }
    let list = matches!(arg.get_action(), ArgAction::Append);
    if values.is_empty() {
        return if list { format!("{name} = []  # {from}") } else { format!("# {name} is not set") };
    }
    let shown: Vec<_> = values.iter().map(|value| shown(Some(arg), value)).collect();
    let hidden = shown != values;
    let shown: Vec<_> = shown.iter().map(|value| literal(value)).collect();
    let shown = if list { format!("[{}]", shown.join(", ")) } else { shown.concat() };
    format!("{}{name} = {shown}  # {from}", if hidden { "# " } else { "" })
}

/// The value, without what nobody else may see.
pub(super) fn shown(arg: Option<&Arg>, value: &str) -> String {
    // The path of a file, or a URL that may hold a password, is named all the same.
    let named = arg.is_some_and(|arg| arg.get_id() == "database");
    let murky = named && PostgresUrl::is_meant(value) && PostgresUrl::new(value).is_ambiguous();
    let secret = !named && arg.is_some_and(Arg::is_hide_env_values_set);
    match without_password(value) {
        _ if secret || murky => HIDDEN.to_owned(),
        Some(url) => url,
        None => value.to_owned(),
    }
}

/// `scheme://user:password@host/…?key=…` without user, password and query; `None` when it is no URL. Who puts a token
/// into a URL puts it in the place of the user.
fn without_password(value: &str) -> Option<String> {
    let (scheme, rest) = value.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) => format!("{HIDDEN}@{host}"),
        // A password with a slash in it that nobody has encoded.
        None if authority.contains(':') && path.contains('@') => return Some(format!("{scheme}://{HIDDEN}")),
        None => authority.to_owned(),
    };
    let path = match path.split_once('?') {
        Some((path, _)) => format!("{path}?{HIDDEN}"),
        None => path.to_owned(),
    };
    Some(format!("{scheme}://{authority}{path}"))
}

/// As TOML writes it: a whole number as one, anything else as a text.
fn literal(value: &str) -> String {
    match value.parse::<i64>() {
        Ok(number) if number.to_string() == value => value.to_owned(),
        _ => toml::Value::from(value).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn a_password_is_taken_out_of_a_url_wherever_it_stands() {
        for (url, shown) in [
            ("postgres://chat:p@ss@db:5432/chat", "postgres://(hidden)@db:5432/chat"),
            ("postgres://chat@db/chat?password=x", "postgres://(hidden)@db/chat?(hidden)"),
            ("postgres://chat:p/ss@db/chat", "postgres://(hidden)"),
            ("https://issuer/jwks?api_key=secret", "https://issuer/jwks?(hidden)"),
            ("postgres://poor:12?sec=ret@host/db", "postgres://(hidden)"),
            ("redis://:secret@cache", "redis://(hidden)@cache"),
            ("https://a-token@issuer/jwks", "https://(hidden)@issuer/jwks"),
            ("https://chat.example/a@b:c", "https://chat.example/a@b:c"),
        ] {
            assert_eq!(without_password(url).as_deref(), Some(shown));
        }
        assert_eq!(without_password("chat.db"), None);
    }
}
