//! Where settings come from: flags, the environment, a file, and what is built in, in this order.
//!
//! The command line is the one definition of what can be set ([`super::Cli`]). A flag `--max-wait` is `CHAT_MAX_WAIT`
//! in the environment and `max-wait` in the file, by its name alone: there is no second list to keep. What the
//! environment or the file says is checked by the flag's own parser, so that an error can name the place it came
//! from, and then takes part as if it were the flag.
//!
//! A command beside serving heeds the settings that it shares with the server, such as the database, and leaves out
//! the others. An empty variable is one that is not set: that is what `${X:-}` makes of it. clap's own reading of the
//! environment would take it for a value, so no flag asks for that; `hide_env_values` marks a secret all the same.

use super::file::File;
use super::{print, usage};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, CommandFactory, FromArgMatches};
use std::collections::BTreeMap;
use std::error::Error as _;
use std::ffi::OsString;
use std::path::PathBuf;

/// Where settings come from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub struct Config {
    /// Take what no flag and no variable says from this file (TOML): its keys are the flags' names
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Print every setting and where it is from, as such a file, and end
    #[arg(long)]
    pub print_config: bool,
}

/// What can be said in a file about how to read the settings: nothing.
const NOT_SETTINGS: [&str; 4] = ["config", "print-config", "help", "version"];

/// Why there are no settings.
#[derive(Debug)]
pub enum ConfigError {
    /// The command line is wrong, or asks for help.
    Usage(clap::Error),
    /// The environment or the file is wrong: where, what and why.
    Setting(String),
}

impl From<clap::Error> for ConfigError {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

/// The settings, and how they read as a file.
#[derive(Debug)]
pub struct Parsed<C> {
    /// What was asked for.
    pub cli: C,
    /// Every setting of the server and where it is from, as TOML.
    pub printed: String,
}

/// Settings of the environment or the file that take part, by the id of their flag.
#[derive(Debug, Default)]
pub(super) struct Given(BTreeMap<String, Setting>);

/// What a flag is given, and by whom.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) values: Vec<String>,
    /// In words: a variable, or a line of a file.
    pub(super) from: String,
}

/// Reads everything. `arguments` begins with the program's name.
///
/// # Errors
/// [`ConfigError`].
pub fn parse<C: CommandFactory + FromArgMatches>(
    arguments: Vec<OsString>,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Parsed<C>, ConfigError> {
    let mut server = C::command();
    server.build();
    // Once for what was said and where; whatever is wrong with it, the second time will tell.
    let said = server.clone().ignore_errors(true).try_get_matches_from(&arguments);
    let said = said.map_err(|error| usage::without_secrets(error, &[&server]))?;
    let (command, matches, names) = innermost(&server, &said);
    usage::in_their_places(&server, &said, &names)?;
    let named = environment(&variable("config")).filter(|name| !name.is_empty()).map(PathBuf::from);
    let file = match matches.get_one("config").cloned().or(named) {
        Some(path) => File::read(&path, &server).map_err(ConfigError::Setting)?,
        None => File::default(),
    };
    let given = Given::collect(&server, command, matches, environment, &file)?;
    let arguments = given.woven_into(command, arguments, &names);
    let quoted = |error| usage::without_secrets(error, &[&server, command]);
    let parsed = server.clone().try_get_matches_from(arguments).map_err(quoted)?;
    let printed = print::settings_as_toml(&server, &parsed, &given);
    Ok(Parsed { cli: C::from_arg_matches(&parsed).map_err(quoted)?, printed })
}

/// The command that was asked for, what was said to it, and its name with those of the commands above it.
fn innermost<'a>(
    mut command: &'a Command,
    mut matches: &'a ArgMatches,
) -> (&'a Command, &'a ArgMatches, Vec<&'a str>) {
    let mut names = Vec::new();
    while let Some((name, inner)) = matches.subcommand() {
        let Some(found) = command.find_subcommand(name) else { break };
        (command, matches) = (found, inner);
        names.push(name);
    }
    (command, matches, names)
}

/// The server's settings: its flags, without those that are about the settings themselves.
pub(super) fn settings(server: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    let named = server.get_arguments().filter_map(|arg| Some((arg.get_long()?, arg)));
    named.filter(|(name, _)| !NOT_SETTINGS.contains(name))
}

/// By which name the environment has a setting.
pub(super) fn variable(name: &str) -> String {
    format!("CHAT_{}", name.to_ascii_uppercase().replace('-', "_"))
}

impl Given {
    /// What the environment and the file say to `command`, checked, as far as no flag says it.
    fn collect(
        server: &Command,
        command: &Command,
        said: &ArgMatches,
        environment: &dyn Fn(&str) -> Option<OsString>,
        file: &File,
    ) -> Result<Self, ConfigError> {
        let mut given = BTreeMap::new();
        for (name, arg) in settings(server) {
            let setting = match from_environment(name, arg, environment)? {
                Some(setting) => Some(setting),
                None => file.get(name),
            };
            let Some(setting) = setting else { continue };
            check(server, name, arg, &setting)?;
            let Some(known) = command.get_arguments().find(|known| known.get_long() == Some(name)) else {
                continue;
            };
            let id = known.get_id().as_str();
            if said.value_source(id) != Some(ValueSource::CommandLine) {
                given.insert(id.to_owned(), setting);
            }
        }
        Ok(Self(given))
    }

    pub(super) fn get(&self, id: &str) -> Option<&Setting> {
        self.0.get(id)
    }

    /// The arguments with what else was given as flags, right behind the name of the command they are for.
    fn woven_into(&self, command: &Command, mut arguments: Vec<OsString>, names: &[&str]) -> Vec<OsString> {
        let mut at = 1.min(arguments.len());
        for name in names {
            // What stands in front of it is where the file is, which may be called like a command.
            while arguments.get(at).is_some_and(|argument| argument != name) {
                at += if arguments[at] == "--config" { 2 } else { 1 };
            }
            at = (at + 1).min(arguments.len());
        }
        let flags = command.get_arguments().flat_map(|arg| {
            let setting = self.get(arg.get_id().as_str());
            setting.map_or_else(Vec::new, |setting| flags(arg, &setting.values))
        });
        let flags: Vec<_> = flags.map(OsString::from).collect();
        arguments.splice(at..at, flags);
        arguments
    }
}

/// Several values of a flag that may be repeated are separated by commas.
fn from_environment(
    name: &str,
    arg: &Arg,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Option<Setting>, ConfigError> {
    let from = variable(name);
    let Some(value) = environment(&from).filter(|value| !value.is_empty()) else { return Ok(None) };
    let value = value.into_string().map_err(|_| ConfigError::Setting(format!("{from} is not UTF-8")))?;
    let values = match arg.get_action() {
        ArgAction::Append => value.split(',').map(|value| value.trim().to_owned()).collect(),
        ArgAction::SetTrue => vec![switch(&value).unwrap_or(&value).to_owned()],
        _ => vec![value],
    };
    Ok(Some(Setting { values, from }))
}

/// What people write for yes and no.
fn switch(value: &str) -> Option<&'static str> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some("true"),
        "false" | "0" | "no" | "off" => Some("false"),
        _ => None,
    }
}

/// How the values are said on the command line.
fn flags(arg: &Arg, values: &[String]) -> Vec<String> {
    let name = arg.get_long().unwrap_or_default();
    match arg.get_action() {
        ArgAction::SetTrue if values == ["true"] => vec![format!("--{name}")],
        ArgAction::SetTrue => Vec::new(),
        _ => values.iter().map(|value| format!("--{name}={value}")).collect(),
    }
}

/// Has the flag's own parser look at the values.
fn check(server: &Command, name: &str, arg: &Arg, setting: &Setting) -> Result<(), ConfigError> {
    let wrong = |why: &str| ConfigError::Setting(format!("{}: {name}: {why}", setting.from));
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return match setting.values.as_slice() {
            [value] if switch(value) == Some(value) => Ok(()),
            _ => Err(wrong("is either true or false")),
        };
    }
    if setting.values.len() > 1 && !matches!(arg.get_action(), ArgAction::Append) {
        return Err(wrong("is one value, not a list"));
    }
    let arguments = std::iter::once("chat-server".to_owned()).chain(flags(arg, &setting.values));
    match server.clone().try_get_matches_from(arguments) {
        Err(error) if about_a_value(error.kind()) => Err(wrong(&reason(&error))),
        // What goes with what is looked at when all is known.
        _ => Ok(()),
    }
}

fn about_a_value(kind: ErrorKind) -> bool {
    use ErrorKind::{
        InvalidUtf8, InvalidValue, NoEquals, TooFewValues, TooManyValues, ValueValidation,
        WrongNumberOfValues,
    };
    matches!(
        kind,
        InvalidValue
            | ValueValidation
            | NoEquals
            | TooFewValues
            | TooManyValues
            | WrongNumberOfValues
            | InvalidUtf8
    )
}

/// Never the value itself, which may be a secret; unless the flag's own parser quotes it.
fn reason(error: &clap::Error) -> String {
    if let Some(source) = error.source() {
        return source.to_string();
    }
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => {
            format!("is one of {}", values.join(", "))
        }
        _ => "needs a value".into(),
    }
}

#[cfg(test)]
mod tests;
