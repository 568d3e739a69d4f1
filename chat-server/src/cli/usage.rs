//! A wrong command line, in words about what was typed.

use super::print;
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

/// clap quotes what it refuses. A secret, and what may hold one, is quoted as it is printed.
pub(super) fn without_secrets(mut error: clap::Error, commands: &[&Command]) -> clap::Error {
    let text = |error: &clap::Error, kind| match error.get(kind) {
        // An empty value is told as a missing one.
        Some(ContextValue::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
        _ => None,
    };
    let about = text(&error, ContextKind::InvalidArg);
    let mut arguments = commands.iter().flat_map(|command| command.get_arguments());
    let arg = arguments.find(|arg| Some(arg.to_string()) == about);
    for kind in [ContextKind::InvalidValue, ContextKind::InvalidArg, ContextKind::InvalidSubcommand] {
        let arg = arg.filter(|_| kind == ContextKind::InvalidValue);
        if let Some(shown) = text(&error, kind).map(|value| print::shown(arg, &value)) {
            error.insert(kind, ContextValue::String(shown));
        }
    }
    error
}
