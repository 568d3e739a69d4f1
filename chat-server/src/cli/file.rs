//! The configuration file: flat TOML, whose keys are the flags' names.

use super::config::{Setting, settings};
use super::near::near;
use clap::Command;
use std::collections::BTreeMap;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What a file says; nothing, when there is none.
#[derive(Debug, Default)]
pub(super) struct File(BTreeMap<String, Setting>);

impl File {
    /// Reads it, with every key known to be one of the server's settings.
    pub(super) fn read(path: &Path, server: &Command) -> Result<Self, String> {
        let place = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {place}: {error}"))?;
        let line = |at: usize| format!("{place}:{}", text[..at].matches('\n').count() + 1);
        let table = DeTable::parse(&text).map_err(|error| {
            // Its own words without the line itself, on which a secret may be.
            let at = error.span().map_or(0, |span| span.start.min(text.len()));
            format!("{}: {}", line(at), error.message())
        })?;
        let mut known = BTreeMap::new();
        for (key, value) in table.get_ref() {
            let (name, from) = (key.get_ref(), line(key.span().start));
            if !settings(server).any(|(setting, _)| setting == name) {
                return Err(format!("{from}: {}", unknown(server, name, value)));
            }
            let values = values(value).map_err(|why| format!("{from}: {name}: {why}"))?;
            known.insert(name.clone().into_owned(), Setting { values, from });
        }
        Ok(Self(known))
    }

    pub(super) fn get(&self, name: &str) -> Option<Setting> {
        self.0.get(name).cloned()
    }
}

/// What is wrong with a key that no setting has.
fn unknown(server: &Command, name: &str, value: &Spanned<DeValue<'_>>) -> String {
    if is_table(value.get_ref()) {
        return format!("{name} is a table; settings stand at the top level, without tables");
    }
    match near(name, settings(server).map(|(setting, _)| setting)) {
        Some(setting) => format!("{name} is not a setting; did you mean {setting}?"),
        None => format!(
            "{name} is not a setting; the settings are the flags of `chat-server --help`, without the dashes in front"
        ),
    }
}

/// `[name]`, `[[name]]`, or the first part of `name.key`.
fn is_table(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(items) => items.iter().any(|item| is_table(item.get_ref())),
        _ => false,
    }
}

fn values(value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, &'static str> {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().map(one).collect(),
        _ => Ok(vec![one(value)?]),
    }
}

fn one(value: &Spanned<DeValue<'_>>) -> Result<String, &'static str> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text.clone().into_owned()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Boolean(yes) => Ok(yes.to_string()),
        _ => Err("is a text, a decimal number, true or false, or a list of these"),
    }
}
