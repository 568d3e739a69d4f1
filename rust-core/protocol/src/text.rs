//! What may be said. The one rule for text, applied alike by the phone before it stores a message
//! and by the server before it accepts one, so that the echo on screen is the message to the byte.

use crate::limits::MAX_TEXT_SCALARS;
use std::fmt;
use unicode_normalization::UnicodeNormalization;

/// A message's text: NFC-normalised, trimmed of Unicode white space, 1 to
/// [`MAX_TEXT_SCALARS`] Unicode scalar values, without U+0000.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MessageText(String);

impl MessageText {
    /// Trims and normalises `raw`.
    ///
    /// # Errors
    /// [`TextError`] when nothing is left, too much is left, or it holds U+0000.
    pub fn new(raw: &str) -> Result<Self, TextError> {
        let trimmed = raw.trim(); // White_Space in Unicode's sense: U+3000 counts
        if trimmed.is_empty() {
            return Err(TextError::Blank);
        }
        if trimmed.contains('\0') {
            return Err(TextError::Nul);
        }
        let text: String = trimmed.nfc().collect();
        match text.chars().count() {
            scalars if scalars > MAX_TEXT_SCALARS => Err(TextError::TooLong { scalars }),
            _ => Ok(Self(text)),
        }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the text away.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Shows the length only: what people write stays out of logs and panic messages.
impl fmt::Debug for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageText({} bytes)", self.0.len())
    }
}

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextError {
    /// Nothing but Unicode white space.
    Blank,
    /// More than [`MAX_TEXT_SCALARS`].
    TooLong {
        /// Unicode scalar values found.
        scalars: usize,
    },
    /// U+0000, which not every database can hold.
    Nul,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextError::Blank => f.write_str("the text is blank"),
            TextError::TooLong { scalars } => {
                write!(f, "the text has {scalars} characters, the limit is {MAX_TEXT_SCALARS}")
            }
            TextError::Nul => f.write_str("the text contains U+0000"),
        }
    }
}

impl std::error::Error for TextError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn new(raw: &str) -> Result<String, TextError> {
        MessageText::new(raw).map(MessageText::into_string)
    }

    #[test]
    fn the_ideographic_space_is_blank_and_is_trimmed() {
        assert_eq!(new("\u{3000}\u{3000}\n"), Err(TextError::Blank));
        assert_eq!(new("\u{3000}안녕\u{3000}").unwrap(), "안녕");
    }

    #[test]
    fn the_limit_counts_scalar_values_not_utf16_units_or_bytes() {
        let emoji = "😀".repeat(MAX_TEXT_SCALARS); // twice as many UTF-16 units, four times the bytes
        assert_eq!(new(&emoji).unwrap(), emoji);
        assert_eq!(new(&format!("{emoji}😀")), Err(TextError::TooLong { scalars: MAX_TEXT_SCALARS + 1 }));
    }

    #[test]
    fn decomposed_hangul_is_composed() {
        assert_eq!(new("\u{1112}\u{1161}\u{11ab}").unwrap(), "한");
    }

    #[test]
    fn nul_is_refused_and_other_controls_are_kept() {
        assert_eq!(new("a\0b"), Err(TextError::Nul));
        assert_eq!(new("a\u{202e}b\tc").unwrap(), "a\u{202e}b\tc");
    }

    #[test]
    fn debug_shows_no_text() {
        assert_eq!(format!("{:?}", MessageText::new("secret").unwrap()), "MessageText(6 bytes)");
    }

    proptest! {
        #[test]
        fn what_the_client_made_the_server_leaves_as_it_is(raw in any::<String>()) {
            if let Ok(once) = MessageText::new(&raw) {
                prop_assert_eq!(MessageText::new(once.as_str()), Ok(once));
            }
        }
    }
}
