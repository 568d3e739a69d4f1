use super::*;
use crate::admin::writing::Writing;
use proptest::prelude::*;

const CREATED: &str = "2026-01-02T03:04:05.678Z";

/// A file of these lines, with the right last one.
fn file(lines: &[&str]) -> Vec<u8> {
    let mut file: Vec<u8> = lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect();
    let (messages, sha256) = (lines.len() - 1, hex(&Sha256::digest(&file)));
    file.extend(format!("{{\"end\":{{\"messages\":{messages},\"sha256\":\"{sha256}\"}}}}\n").bytes());
    file
}

fn header(messages: i64, last_seq: i64) -> String {
    format!(
        r#"{{"format":"chat-core-room","version":1,"title":"Lunch","created_at":"{CREATED}","messages":{messages},"last_seq":{last_seq},"members":[{{"user":"alice","read_marker":1}}]}}"#
    )
}

fn line(id: i64, seq: i64, text: &str) -> String {
    format!(
        r#"{{"id":{id},"seq":{seq},"sender":"alice","text":"{text}","sent_at":"{CREATED}","edited_at":null,"deleted":false,"transaction_id":"k-{id}"}}"#
    )
}

/// Reads a whole file.
fn read(file: &[u8]) -> Result<(Header, Vec<Message>), String> {
    let read = || {
        let mut reading = Reading::begin(file)?;
        let mut messages = Vec::new();
        while let Some(message) = reading.message()? {
            messages.push(message);
        }
        Ok((reading.header().clone(), messages))
    };
    read().map_err(|error: ReadError| error.to_string())
}

/// What is said of a file of two messages, of which something is replaced in a line (from 1).
fn said_of(at: usize, right: &str, wrong: &str) -> String {
    let mut lines = [header(2, 2), line(1, 1, "one"), line(2, 2, "two")];
    assert!(lines[at - 1].contains(right), "{} has no {right}", lines[at - 1]);
    lines[at - 1] = lines[at - 1].replacen(right, wrong, 1);
    match read(&file(&lines.each_ref().map(String::as_str))) {
        Err(said) => said,
        Ok(_) => format!("nothing is wrong with {}", lines[at - 1]),
    }
}

#[test]
fn what_is_wrong_with_a_message_is_told_by_line_and_field() {
    for (right, wrong, said) in [
        (r#""id":2"#, r#""id":3"#, "line 3, id: 3 where 2 comes next: ids leave out none"),
        (r#""id":2"#, r#""id":1"#, "line 3, id: 1 where 2 comes next: ids leave out none"),
        (r#""id":2"#, r#""id":0"#, "line 3, id: a message id is a whole number from 1"),
        (r#""id":2"#, r#""id":"2""#, "line 3, id: invalid type: string \"2\", expected i64"),
        (r#""id":2,"#, "", "line 3, id: missing"),
        (r#""id":2"#, r#""id":2,"id":2"#, "line 3: a field is given twice"),
        (r#""seq":2"#, r#""seq":0"#, "line 3, seq: 0 is not between 1 and the first line's last_seq, 2"),
        (r#""seq":2"#, r#""seq":3"#, "line 3, seq: 3 is not between 1 and the first line's last_seq, 2"),
        (r#""alice""#, r#""al ice""#, "line 3, sender: a user id is 1 to 128 bytes without white space"),
        (r#""two""#, r#""""#, "line 3, text: the text is blank"),
        (r#""two""#, r#"" two""#, "line 3, text: not normalised (NFC), or white space around it"),
        (r#""two""#, "\"\u{1112}\u{1161}\"", "line 3, text: not normalised (NFC), or white space around it"),
        (r#""two""#, r#""t\u0000o""#, "line 3, text: the text contains U+0000"),
        (r#""two""#, "7", "line 3, text: invalid type: integer `7`, expected a string"),
        (r#""deleted":false"#, r#""deleted":true"#, "line 3, text: a deleted message has none"),
        (r#""deleted":false"#, r#""deleted":0"#, "line 3, deleted: invalid type"),
        (CREATED, "yesterday", "line 3, sent_at: "),
        (r#""edited_at":null"#, r#""edited_at":"no""#, "line 3, edited_at: "),
        (r#""edited_at":null,"#, "", "line 3, edited_at: missing"),
        (r#""k-2""#, r#""k 2""#, "line 3, transaction_id: an idempotency key is 1 to 128 visible ASCII"),
        (r#""deleted""#, r#""removed":1,"deleted""#, "line 3: the field \"removed\" is unknown"),
        ("}", "", "line 3: cut short"),
        ("{", "[", "line 3: not a JSON object"),
    ] {
        let found = said_of(3, right, wrong);
        assert!(found.starts_with(said), "{wrong}: {found}");
    }
}

#[test]
fn what_is_wrong_with_the_first_line_is_told_by_field() {
    for (right, wrong, said) in [
        (
            "chat-core-room",
            "chat-core-rook",
            "line 1: not a room's file: its format should be \"chat-core-room\"",
        ),
        ("{", "", "line 1: not a room's file"),
        (r#""version":1"#, r#""version":2"#, "line 1, version: the file has version 2, this program reads 1"),
        ("Lunch", " ", "line 1, title: the title is blank"),
        ("Lunch", "Lunch ", "line 1, title: white space around it"),
        ("Lunch", r"L\nnch", "line 1, title: a title has no control characters"),
        (r#""messages":2"#, r#""messages":-1"#, "line 1, messages: a count is 0 or more"),
        (r#""last_seq":2"#, r#""last_seq":1"#, "line 1, last_seq: 1 changes cannot have made 2 messages"),
        // Only the last line can tell.
        (r#""last_seq":2"#, r#""last_seq":3"#, "line 1, last_seq: 3 is said, the newest change is 2"),
        (r#""read_marker":1"#, r#""read_marker":3"#, "line 1, members: alice has read up to 3 of 2 messages"),
        (r#""alice""#, r#""""#, "line 1, members: a user id is 1 to 128 bytes"),
        (r#"[{"#, r#"[{"user":"alice","read_marker":0},{"#, "line 1, members: alice is named twice"),
        (r#""members""#, r#""limbs":[],"members""#, "line 1: the field \"limbs\" is unknown"),
        (CREATED, "2026-13-02", "line 1, created_at: "),
    ] {
        let found = said_of(1, right, wrong);
        assert!(found.starts_with(said), "{wrong}: {found}");
    }
}

#[test]
fn a_file_that_was_cut_short_anywhere_is_not_taken_for_a_whole_one() {
    let whole = file(&[&header(2, 2), &line(1, 1, "one"), &line(2, 2, "two")]);
    assert!(read(&whole).is_ok());
    assert!(read(&whole[..whole.len() - 1]).is_ok(), "only the last line's end is missing");
    for length in 0..whole.len() - 1 {
        assert!(read(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
    }
    let two_lines =
        whole.split_inclusive(|byte| *byte == b'\n').take(2).flatten().copied().collect::<Vec<_>>();
    assert_eq!(
        read(&two_lines).unwrap_err(),
        "line 3: the file ends here, after 1 of 2 messages: it was cut short"
    );
}

#[test]
fn an_altered_file_is_noticed_by_its_last_line() {
    let whole = String::from_utf8(file(&[&header(1, 1), &line(1, 1, "one")])).unwrap();
    let said = |right: &str, wrong: &str| read(whole.replacen(right, wrong, 1).as_bytes()).unwrap_err();
    assert_eq!(said("\"one\"", "\"two\""), "line 3, end: the digest is another: the file was altered");
    assert_eq!(
        said(r#"{"end":{"messages":1"#, r#"{"end":{"messages":2"#),
        "line 3, end: counts 2 messages, the first line 1"
    );
    assert_eq!(
        read(format!("{whole}\n").as_bytes()).unwrap_err(),
        "line 4: something follows the file's last line"
    );
}

#[test]
fn a_line_without_end_is_not_read_to_its_end() {
    let endless = [format!("{}\n", header(1, 1)).into_bytes(), vec![b'x'; 2 * MAX_LINE_BYTES]].concat();
    assert_eq!(read(&endless).unwrap_err(), format!("line 2: longer than {MAX_LINE_BYTES} bytes"));
}

#[test]
fn what_people_said_is_in_no_error() {
    let secret = "meet me at nine";
    for wrong in [format!(" {secret}"), format!("{secret}\\u0000!"), format!("{secret}\",\"x\":\"y")] {
        let said = said_of(3, "two", &wrong);
        assert!(said.starts_with("line 3") && !said.contains("nine"), "{said}");
    }
    let said = said_of(3, r#""text":"two""#, &format!(r#""text":["{secret}"]"#));
    assert!(said.starts_with("line 3, text") && !said.contains("nine"), "{said}");
}

prop_compose! {
    fn message(id: i64)(
        text in any::<String>(),
        sender in "[a-z가-힣]{1,20}",
        (sent_at, edited_at) in (0_i64..4_000_000_000_000, proptest::option::of(0_i64..4_000_000_000_000)),
        key in proptest::option::of("[!-~]{1,128}"),
    ) -> Message {
        let text = MessageText::new(&text).map_or_else(|_| String::new(), MessageText::into_string);
        Message {
            id: MessageId::new(id).unwrap(),
            // In another order than the ids, as edits make it.
            seq: Seq::new(21 - id).unwrap(),
            sender: UserId::new(sender).unwrap(),
            deleted: text.is_empty(),
            text,
            sent_at: Timestamp::from_millis(sent_at),
            edited_at: edited_at.map(Timestamp::from_millis),
            transaction_id: key.map(|key| TransactionId::new(key).unwrap()),
        }
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        messages in (1_i64..=20).map(message).collect::<Vec<_>>(),
        title in "[a-z가-힣\"\\\\]{1,200}",
        created_at in 0_i64..4_000_000_000_000,
    ) {
        let members = vec![Member { user: UserId::new("alice").unwrap(), read_marker: 20 }];
        let created_at = Timestamp::from_millis(created_at);
        let last_seq = Seq::new(20).unwrap();
        let header = Header { format: FORMAT.into(), version: VERSION, title, created_at, messages: 20, last_seq, members };
        let mut writing = Writing::begin(Vec::new(), &header).unwrap();
        for message in messages.clone() {
            writing.message(message).unwrap();
        }
        let (file, bytes) = writing.end().unwrap();
        prop_assert_eq!(file.len() as u64, bytes);
        prop_assert_eq!(read(&file).unwrap(), (header, messages));
    }
}
