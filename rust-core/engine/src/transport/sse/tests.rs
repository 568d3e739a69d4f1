//! The format, by the text of the standard (WHATWG HTML §9.2.5 and §9.2.6), and what the events mean.

use super::*;
use chat_protocol::ErrorCode;

/// Reads pieces as they come off the network.
fn read(pieces: &[&[u8]]) -> Events {
    let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Events::read(stream::iter(pieces).boxed(), Seq::START)
}

/// What comes out of `pieces`, batch by batch, and the end.
async fn heard(pieces: &[&[u8]]) -> (Vec<Vec<(i64, String)>>, Fault) {
    let mut events = read(pieces);
    let mut batches = Vec::new();
    loop {
        match events.next().await {
            Ok(Answer::Page(page)) => {
                assert_eq!(page.messages.last().map(|m| m.seq), Some(page.cursor));
                batches.push(page.messages.into_iter().map(|m| (m.seq.get(), m.text)).collect());
            }
            Ok(Answer::Nothing) => {}
            Err(error) => return (batches, error.fault),
        }
    }
}

fn json(seq: i64, text: &str) -> String {
    format!(
        r#"{{"id":{seq},"seq":{seq},"sender":"bob","text":"{text}","sent_at":"2026-01-02T03:04:05.678Z","edited_at":null,"deleted":false}}"#
    )
}

fn event(seq: i64, text: &str) -> String {
    format!("event: message\nid: {seq}\ndata: {}\n\n", json(seq, text))
}

/// The messages of one piece, whatever batches they come in.
async fn messages(body: &str) -> Vec<(i64, String)> {
    heard(&[body.as_bytes()]).await.0.concat()
}

fn one() -> Vec<(i64, String)> {
    vec![(1, "안녕 👋".into())]
}

#[tokio::test]
async fn a_line_ends_with_lf_cr_or_both() {
    for end in ["\n", "\r", "\r\n"] {
        let body = event(1, "안녕 👋").replace('\n', end);
        assert_eq!(messages(&body).await, one(), "{end:?}");
    }
}

#[tokio::test]
async fn a_stream_may_be_cut_into_pieces_anywhere() {
    for end in ["\n", "\r", "\r\n"] {
        let body =
            (":\n\nretry: 1000\n\n".to_owned() + &event(1, "안녕 👋") + &event(2, "b")).replace('\n', end);
        for at in 0..=body.len() {
            let (first, second) = body.as_bytes().split_at(at);
            let (batches, end) = heard(&[first, second]).await;
            assert_eq!(batches.concat(), [one(), vec![(2, "b".into())]].concat(), "at byte {at}");
            assert_eq!(end, Fault::Interrupted);
        }
        let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
        assert_eq!(heard(&bytes).await.0.concat().len(), 2, "byte by byte");
    }
}

#[tokio::test]
async fn one_byte_order_mark_at_the_beginning_is_none_of_it() {
    assert_eq!(messages(&format!("\u{feff}{}", event(1, "안녕 👋"))).await, one());
    // Anywhere else it is part of a field's name, which nobody knows then.
    assert_eq!(messages(&format!("\n\u{feff}data: {}\n\n", json(1, "a"))).await, []);
}

#[tokio::test]
async fn comments_and_unknown_fields_are_passed_over() {
    let data = json(1, "안녕 👋");
    let body = format!(":\n: a comment\n:data: {{}}\nfoo: bar\nfoo\ndatax: y\nDATA: z\ndata: {data}\n:\n\n");
    assert_eq!(messages(&body).await, one());
}

#[tokio::test]
async fn data_on_several_lines_is_joined_by_line_feeds() {
    let data = json(1, "안녕 👋");
    let (head, tail) = data.split_at(data.find("\"sender\"").unwrap());
    assert_eq!(messages(&format!("data: {head}\ndata:{tail}\n\n")).await, one());
}

#[tokio::test]
async fn one_space_after_the_colon_is_none_of_the_value() {
    let body = format!("event:message\ndata:{}\n\n", json(1, "안녕 👋"));
    assert_eq!(messages(&body).await, one());
    // A second one is: this is an event of another name.
    assert_eq!(messages(&format!("event:  message\ndata: {}\n\n", json(1, "a"))).await, []);
}

#[tokio::test]
async fn an_event_without_a_name_is_a_message_and_one_without_data_is_none() {
    assert_eq!(messages(&format!("data: {}\n\n", json(1, "안녕 👋"))).await, one());
    assert_eq!(messages(&format!("event\ndata: {}\n\n", json(1, "안녕 👋"))).await, one());
    assert_eq!(messages("event: message\nid: 1\n\nretry: 5\n\nid\n\n").await, []);
}

#[tokio::test]
async fn events_of_a_later_version_are_passed_over() {
    let body = format!("event: typing\ndata: bob\n\n{}", event(1, "안녕 👋"));
    assert_eq!(messages(&body).await, one());
}

#[tokio::test]
async fn an_event_that_was_not_finished_has_not_happened() {
    let whole = event(1, "안녕 👋");
    let unfinished = event(2, "b");
    let body = whole + unfinished.trim_end();
    assert_eq!(heard(&[body.as_bytes()]).await, (vec![one()], Fault::Interrupted));
}

#[tokio::test]
async fn what_has_arrived_together_is_one_batch() {
    let body = (1..=50).map(|n| event(n, "m")).collect::<String>();
    assert_eq!(heard(&[body.as_bytes()]).await.0.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_a_message_ends_the_stream_and_takes_its_batch_along() {
    let malformed = Fault::BadAnswer(BadAnswer::Malformed);
    for bad in ["data: {\n\n", "data: \n\n", "data: {\"id\":0}\n\n"] {
        assert_eq!(heard(&[(event(1, "a") + bad).as_bytes()]).await, (vec![], malformed), "{bad}");
    }
    assert_eq!(heard(&[b"data: \xff\n\n"]).await.1, malformed);
    let out_of_order = Fault::BadAnswer(BadAnswer::OutOfOrder);
    assert_eq!(heard(&[(event(2, "b") + &event(1, "a")).as_bytes()]).await, (vec![], out_of_order));
    assert_eq!(heard(&[(event(1, "a") + &event(1, "a")).as_bytes()]).await, (vec![], out_of_order));
}

#[tokio::test]
async fn the_servers_reason_for_the_end_is_told_after_what_came_before_it() {
    for (code, fault) in [
        (ErrorCode::TokenExpired, Fault::Unauthorized),
        (ErrorCode::NotAMember, Fault::NotAMember),
        (ErrorCode::RoomGone, Fault::RoomNotFound),
        (ErrorCode::SlowReader, Fault::Interrupted),
        (ErrorCode::Unavailable, Fault::Interrupted),
    ] {
        let problem = serde_json::to_string(&Problem::new(code)).unwrap();
        let body = format!("{}event: end\ndata: {problem}\n\n{}", event(1, "안녕 👋"), event(2, "never"));
        assert_eq!(heard(&[body.as_bytes()]).await, (vec![one()], fault));
    }
}

#[tokio::test]
async fn an_event_without_an_end_does_not_fill_the_memory() {
    let mut body = vec![b"data: ".to_vec()];
    body.extend(std::iter::repeat_n(vec![b'x'; 1 << 20], 11));
    let pieces: Vec<&[u8]> = body.iter().map(Vec::as_slice).collect();
    assert_eq!(heard(&pieces).await, (vec![], Fault::BadAnswer(BadAnswer::TooLarge)));
}
