//! What a URL says, and what it does not tell.

use super::PostgresUrl;

#[test]
fn a_url_is_shown_without_its_password_however_wrong_it_is() {
    for (url, shown) in [
        (
            "postgres://chat:hunter2@db.example:5433/chat?sslmode=require",
            "postgres://chat@db.example:5433/chat",
        ),
        ("postgres://chat:hunter2@one,two:5433/chat", "postgres://chat@one:5432,two:5433/chat"),
        ("postgresql://db/chat", "postgres://db:5432/chat"),
        (
            "postgres://chat@%2Frun%2Fpostgresql/chat?password=hunter2",
            "postgres://chat@/run/postgresql:5432/chat",
        ),
        ("postgres://chat:hunter2/x@db/chat", "postgres://chat@db:5432/chat"),
        ("postgres://chat:12?hunter2@db/chat", "postgres://chat@db:5432/chat"),
        ("postgres://chat:hunter2%zz@db:port/chat", "postgres://…"),
        ("postgres://chat:12%40hunter2@db/chat", "postgres://chat@db:5432/chat"),
        ("postgres://chat:12@hunter2@db/chat", "postgres://…"),
        ("postgres://chat:12@hunter2/34@db/chat", "postgres://…"),
        ("postgres://chat:12@hunter2?34@db/chat", "postgres://…"),
        ("postgres://db/chat?user=chat&password=12@hunter2", "postgres://…"),
        ("postgres://db:1/chat?user=chat&password=12@hunter2", "postgres://…"),
        ("host=db user=chat password=hunter2", "postgres://…"),
        ("user=chat password=hunter2 dbname=chat", "postgres://…"),
    ] {
        let url = PostgresUrl::new(url);
        assert_eq!(url.to_string(), shown);
        assert_eq!(format!("{url:?}"), format!("PostgresUrl({shown})"));
        if let Err(why) = url.config() {
            assert!(!why.to_string().contains("hunter2"), "{why}");
        }
    }
}

#[test]
fn what_cannot_be_used_is_said_in_words() {
    for (url, why) in [
        ("postgres:///chat", "names no host"),
        ("mysql://poor:hunter2@db/chat", "begins with postgres://"),
        ("Postgres://poor:hunter2@db/chat", "begins with postgres://"),
        ("postgres://db/chat?sslmode=perhaps", "sslmode is disable, prefer"),
        ("postgres://db/chat?sslmode=verify-full&sslrootcert=/no/such/file", "cannot read /no/such/file"),
        ("postgres://db:many/chat", "port"),
        ("postgres://chat:12@hunter2@db/chat", "write @ in a password as %40"),
        ("host=db password=hunter2", "begins with postgres://"),
        ("postgres://db/chat?colour=red", "colour"),
    ] {
        let error = PostgresUrl::new(url).config().err().unwrap().to_string();
        assert!(error.contains(why), "{url}: {error}");
    }
}

#[test]
fn what_libpq_would_take_is_no_name_of_a_file() {
    for given in ["host=db dbname=chat", "dbname=chat password=hunter2"] {
        assert!(PostgresUrl::is_meant(given), "{given}");
    }
    assert!(!PostgresUrl::is_meant("chat.db") && !PostgresUrl::is_meant("/var/lib/host=a/chat.db"));
}
