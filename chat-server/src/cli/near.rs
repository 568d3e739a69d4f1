//! What a name that nothing has was meant to be, if one is near enough to be a slip.

use super::config::{settings, variable};
use clap::{Command, CommandFactory};
use std::ffi::OsString;

/// Slips of a pen: two letters in the wrong order, one left out, one too many. A short name is another one sooner.
const SLIPS: usize = 2;
const SLIPS_IN_A_SHORT_NAME: usize = 1;
const SHORT: usize = 4;

/// The setting that `name` is a misspelling of.
pub(super) fn near<'a>(name: &str, settings: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase().replace('_', "-");
    let slips = if name.chars().count() > SHORT { SLIPS } else { SLIPS_IN_A_SHORT_NAME };
    let measured = settings.map(|setting| (strsim::osa_distance(&name, setting), setting));
    measured
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, near)| near)
}

/// Variables of the environment that nothing heeds although they look like a setting, each with the one that it
/// looks like. Other programs may have names that begin with `CHAT_`, too: those are their own business.
pub fn misspelt<C: CommandFactory>(
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Vec<(String, String)> {
    let mut server = C::command();
    server.build();
    let mut found: Vec<_> = environment
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, _)| {
            let name = name.into_string().ok()?;
            let meant = near(name.strip_prefix("CHAT_")?, heeded(&server))?;
            Some((variable(meant), name))
                .filter(|(meant, name)| meant != name)
                .map(|(meant, name)| (name, meant))
        })
        .collect();
    found.sort();
    found
}

/// What the environment can say: every setting, and where the file is.
fn heeded(server: &Command) -> impl Iterator<Item = &str> {
    settings(server).map(|(name, _)| name).chain(["config"])
}

#[cfg(test)]
mod tests {
    use super::misspelt;
    use crate::cli::Cli;

    #[test]
    fn a_variable_that_is_almost_a_setting_is_told_and_one_of_somebody_else_is_not() {
        let said = |names: &[&str]| {
            misspelt::<Cli>(names.iter().map(|name| (name.into(), "3".into())))
                .into_iter()
                .map(|(name, meant)| format!("{name} {meant}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            said(&["CHAT_MAX_WIAT", "CHAT_LISTNE", "CHAT_CONFG", "CHAT_LGO"]),
            [
                "CHAT_CONFG CHAT_CONFIG",
                "CHAT_LGO CHAT_LOG",
                "CHAT_LISTNE CHAT_LISTEN",
                "CHAT_MAX_WIAT CHAT_MAX_WAIT"
            ]
        );
        for name in [
            "CHAT_MAX_WAIT",
            "CHAT_CONFIG",
            "CHAT_TOKEN",
            "CHAT_TEST_DATABASE",
            "CHAT_CLUSTER_SECONDS",
            "CHAT_DATABASE_URL",
            "CHAT_VERSION",
            "CHATTY_LISTNE",
            "MAX_WIAT",
        ] {
            assert_eq!(said(&[name]), [""; 0], "{name}");
        }
        assert_eq!(misspelt::<Cli>([("CHAT_MAX_WIAT".into(), "".into())].into_iter()), [], "empty is none");
    }
}
