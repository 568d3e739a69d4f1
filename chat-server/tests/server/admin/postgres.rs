//! What is PostgreSQL's own.

use super::{Place, admin, does, does_json, refuses, room_file};
use chat_testkit::services::Postgres;
use std::path::Path;

#[tokio::test]
async fn vacuum_tells_what_the_database_takes_and_a_backup_is_pg_dumps_business() {
    let place = Place::postgres();
    let file = place.file(room_file(2_000, |_| ()));
    does(&place.database, &["import", &file]);
    let gained = does_json(&place.database, &["vacuum", "--json"]);
    assert!(gained["bytes_before"].as_u64().unwrap() > 100_000, "{gained}");
    assert!(does(&place.database, &["vacuum"]).contains("VACUUM FULL"));
    let said = refuses(&place.database, &["backup", &place.path("copy")]);
    assert!(said.contains("pg_dump"), "{said}");
}

#[test]
fn a_database_is_made_by_migrate_alone_and_no_command_shows_its_password() {
    let postgres = Postgres::shared();
    let url = postgres.database();
    let database = Path::new(&url);
    let mut seen = refuses(database, &["room", "list"]);
    assert!(seen.contains("there is no database at postgres://") && seen.contains("migrate"), "{seen}");
    let made = does(database, &["migrate"]);
    assert!(made.contains("a new database"), "{made}");
    seen.push_str(&made);
    seen.push_str(&does(database, &["migrate"]));
    postgres.sql(&url, "UPDATE chat_schema SET version = version + 1");
    for args in [&["room", "list"][..], &["backup", "copy"]] {
        seen.push_str(&refuses(database, args));
    }
    let nowhere = url.replace("localhost", "nowhere.invalid");
    seen.push_str(&refuses(Path::new(&nowhere), &["room", "list"]));
    let helped = admin(database, &["help", "export"]);
    seen.push_str(&helped.stdout);
    assert!(!seen.contains(postgres.password()), "{seen}");
}
