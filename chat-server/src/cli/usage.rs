//! A wrong command line, in words about what was typed.

use clap::error::ErrorKind;
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
