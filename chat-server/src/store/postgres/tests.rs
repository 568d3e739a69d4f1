//! What every connection promises, whoever asks for it.

use super::{Desk, Postgres, PostgresUrl};
use crate::store::Options;
use chat_testkit::services;
use std::sync::Arc;

#[tokio::test]
async fn a_command_too_is_told_of_a_commit_only_when_it_is_on_the_disk() {
    let postgres = services::Postgres::shared();
    let url = postgres.database();
    let name = url.rsplit('/').next().unwrap();
    postgres.sql(&url, &format!("ALTER DATABASE {name} SET synchronous_commit = off"));
    let url = PostgresUrl::new(url);
    let server = Postgres::open(&url, &Options::default(), Arc::new(|_: &[_]| {})).await.unwrap();
    let session = server.pool.session().await.unwrap();
    let desk = Desk::open(&url).await.unwrap();
    for client in [session.client().unwrap(), desk.client()] {
        let row = client.query_one("SHOW synchronous_commit", &[]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), "on");
    }
}
