//! What a count costs.

use super::super::{connection, migrations};
use super::unread;

#[test]
fn what_is_unread_is_counted_from_the_marker_on_not_over_the_whole_room() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = connection::open_writer(&folder.path().join("t.db")).unwrap();
    migrations::run(&mut connection).unwrap();
    let mut statement = connection
        .prepare(concat!("EXPLAIN QUERY PLAN SELECT ", unread!(), " FROM members me WHERE me.user = 'bob'"))
        .unwrap();
    let plan = statement.query_map([], |row| row.get("detail")).unwrap();
    let plan: Vec<String> = plan.map(Result::unwrap).collect();
    assert!(plan.iter().any(|step| step == "SEARCH u USING PRIMARY KEY (room=? AND id>?)"), "{plan:?}");
}
