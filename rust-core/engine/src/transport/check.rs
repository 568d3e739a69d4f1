//! What is believed of an answer. Taking a cursor on trust that skips or goes back would lose messages for
//! good, or ask the same question for ever.

use super::{BadAnswer, TransportError};
use chat_protocol::{Message, MessageId, Page, Seq};

/// Reads a page, and believes it if `check` does.
pub(super) fn page(
    body: &[u8],
    check: impl FnOnce(&Page) -> Result<(), BadAnswer>,
) -> Result<Page, BadAnswer> {
    // All of it at once: from bytes, the parser would look for UTF-8 string by string.
    let text = std::str::from_utf8(body).map_err(|_| BadAnswer::Malformed)?;
    let page = serde_json::from_str(text).map_err(|_| BadAnswer::Malformed)?;
    check(&page).map(|()| page)
}

/// An answer about a message has to be about that message.
pub(super) fn same(asked: MessageId, message: Message) -> Result<Message, TransportError> {
    if message.id == asked { Ok(message) } else { Err(BadAnswer::OutOfOrder.into()) }
}

/// Believes a page of history only if it ends right below `before` and has no hole: shown, a hole there
/// would never be filled.
pub(super) fn history(page: &Page, before: MessageId) -> Result<(), BadAnswer> {
    let joins = page.messages.last().map_or(before.get() == 1, |m| m.id.get() + 1 == before.get());
    let first = page.messages.first().map_or(1, |m| m.id.get());
    let dense = page.messages.windows(2).all(|pair| pair[0].id.get() + 1 == pair[1].id.get());
    if joins && dense && page.has_more == (first > 1) { Ok(()) } else { Err(BadAnswer::OutOfOrder) }
}

/// Believes a page only if it continues from the cursor: taking a cursor on trust that skips or
/// goes back would lose messages for good, or ask the same question for ever.
pub(super) fn changes(page: &Page, after: Option<Seq>) -> Result<(), BadAnswer> {
    let ascending = match after {
        Some(after) => {
            let mut last = after;
            page.messages.iter().all(|m| std::mem::replace(&mut last, m.seq) < m.seq)
                && page.cursor == last
                && (last > after || !page.has_more)
        }
        None => {
            page.messages.windows(2).all(|pair| pair[0].id.get() + 1 == pair[1].id.get())
                && page.messages.iter().all(|m| m.seq <= page.cursor)
        }
    };
    if ascending { Ok(()) } else { Err(BadAnswer::OutOfOrder) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat_protocol::{Timestamp, UserId};

    fn message(id: i64, seq: i64) -> Message {
        Message {
            id: MessageId::new(id).unwrap(),
            seq: Seq::new(seq).unwrap(),
            sender: UserId::new("alice").unwrap(),
            text: "t".into(),
            sent_at: Timestamp::from_millis(0),
            edited_at: None,
            deleted: false,
            transaction_id: None,
        }
    }

    fn verdict(
        after: Option<i64>,
        messages: &[(i64, i64)],
        cursor: i64,
        has_more: bool,
    ) -> Result<(), BadAnswer> {
        let messages = messages.iter().map(|&(id, seq)| message(id, seq)).collect();
        let page = Page { messages, cursor: Seq::new(cursor).unwrap(), has_more };
        changes(&page, after.map(|a| Seq::new(a).unwrap()))
    }

    #[test]
    fn a_page_that_continues_from_the_cursor_is_believed() {
        assert_eq!(verdict(Some(4), &[(5, 5), (2, 6), (6, 9)], 9, true), Ok(()));
        assert_eq!(verdict(None, &[(5, 7), (6, 6)], 8, true), Ok(()));
        assert_eq!(verdict(None, &[], 0, false), Ok(()));
    }

    #[test]
    fn a_page_of_history_has_to_join() {
        let verdict = |ids: std::ops::Range<i64>, has_more| {
            let messages = ids.map(|id| message(id, id)).collect();
            let page = Page { messages, cursor: Seq::new(90).unwrap(), has_more };
            history(&page, MessageId::new(10).unwrap())
        };
        assert_eq!(verdict(7..10, true), Ok(()));
        assert_eq!(verdict(1..10, false), Ok(()));
        assert!(verdict(7..9, true).is_err(), "a hole above");
        assert!(verdict(7..11, true).is_err(), "an overlap");
        assert!(verdict(7..10, false).is_err(), "the end, before the first message");
        assert!(verdict(1..10, true).is_err(), "more, before the first message");
        assert!(verdict(1..1, false).is_err(), "nothing, where there has to be something");
    }

    #[test]
    fn a_page_that_repeats_goes_back_or_skips_is_not() {
        assert!(verdict(Some(5), &[(5, 5)], 5, false).is_err(), "repeats what was seen");
        assert!(verdict(Some(4), &[(6, 6), (5, 5)], 6, false).is_err(), "goes back");
        assert!(verdict(Some(4), &[(5, 5)], 9, false).is_err(), "a cursor beyond the page would skip");
        assert!(verdict(Some(4), &[(5, 5)], 4, false).is_err(), "a cursor before the page would repeat");
        assert!(verdict(Some(4), &[], 4, true).is_err(), "more, but nothing of it: asked for ever");
        assert!(verdict(None, &[(5, 5), (7, 7)], 7, false).is_err(), "a hole in the newest page");
        assert!(verdict(None, &[(5, 9)], 7, false).is_err(), "a change after the cursor would come again");
    }
}
