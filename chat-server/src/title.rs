//! What a room may be called: the one rule, over HTTP, on the command line and in an imported file.

use chat_protocol::limits::MAX_TITLE_SCALARS;

/// The title without the white space around it.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn title(raw: &str) -> Result<String, String> {
    let title = raw.trim();
    match title.chars().count() {
        1..=MAX_TITLE_SCALARS if !title.contains(char::is_control) => Ok(title.to_owned()),
        1..=MAX_TITLE_SCALARS => Err("a title has no control characters".into()),
        0 => Err("the title is blank".into()),
        scalars => Err(format!("the title has {scalars} characters, the limit is {MAX_TITLE_SCALARS}")),
    }
}
