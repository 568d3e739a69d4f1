//! A wrong command line, in words about what was typed.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

/// Refuses options of the server in front of a command, whose own stand behind its name. clap can do so
/// (`args_conflicts_with_subcommands`), but not with an exception for `--config`, and in its list would be everything
/// that the environment says.
pub(super) fn in_their_places(
    server: &Command,
    said: &ArgMatches,
    names: &[&str],
) -> Result<(), clap::Error> {
    let typed = |arg: &&Arg| said.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let misplaced: Vec<_> = server
        .get_arguments()
        .filter(|arg| !names.is_empty() && arg.get_id() != "config")
        .filter(typed)
        .filter_map(|arg| Some(format!("--{}", arg.get_long()?)))
        .collect();
    if misplaced.is_empty() {
        return Ok(());
    }
    let why = format!(
        "in front of `{}` only --config may stand, not {}: what a command takes is put behind its name",
        names.join(" "),
        misplaced.join(", ")
    );
    Err(server.clone().error(ErrorKind::ArgumentConflict, why))
}

/// Takes the value out of an error about an option in which a secret may be.
pub(super) fn without_secrets(mut error: clap::Error, commands: &[&Command]) -> clap::Error {
    let Some(ContextValue::String(wrong)) = error.get(ContextKind::InvalidArg) else { return error };
    // An empty value is told as a missing one.
    if !matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if !value.is_empty())
    {
        return error;
    }
    let arguments = commands.iter().flat_map(|command| command.get_arguments());
    if arguments.filter(|arg| arg.is_hide_env_values_set()).any(|arg| arg.to_string() == *wrong) {
        error.insert(ContextKind::InvalidValue, ContextValue::String("(hidden)".into()));
    }
    error
}
