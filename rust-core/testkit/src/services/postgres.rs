//! A PostgreSQL.
//!
//! One server serves a whole test program ([`Postgres::shared`]), as it takes a second to make; each test has
//! a database of its own in it. A test that stops the server starts one for itself.

use super::{free_port, spawn};
use crate::{DEADLINE, wait};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

/// What it asks of whoever connects. Its own word, so that a test can look for it where it must not be.
const PASSWORD: &str = "open-sesame-of-postgres";

/// Where Debian's package puts the programs, a folder for each version.
const PACKAGES: &str = "/usr/lib/postgresql";

/// A `postgres` process with its data in a temporary folder. Killed, and the folder removed, when it is dropped
/// or the test program ends, however that ends.
pub struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    /// The user and group to run as, where we are root: PostgreSQL refuses that.
    run_as: Option<(u32, u32)>,
    server: Mutex<Option<Child>>,
    /// Lives as long as its stdin is open, which is as long as we live; then it cleans up.
    janitor: Child,
}

impl Postgres {
    /// The one for this test program, started when it is first wanted.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts one of its own, with TLS, on a free port.
    pub fn start() -> Self {
        let programs = programs();
        let folder = tempfile::tempdir().unwrap().keep();
        let run_as = owner_for(&folder);
        // What is still running in the folder goes with it.
        let janitor = "trap '' INT TERM HUP; cat >/dev/null; \
                       [ -f \"$0/data/postmaster.pid\" ] && kill -QUIT \"$(head -n 1 \"$0/data/postmaster.pid\")\"; \
                       rm -rf \"$0\"; sleep 1; rm -rf \"$0\"";
        let janitor = Command::new("sh")
            .args(["-c", janitor])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (port, server) = (free_port(), Mutex::default());
        let postgres = Self { programs, folder, port, run_as, server, janitor };
        postgres.make();
        postgres.restart();
        postgres
    }

    /// Makes the files, and a certificate for `localhost` that is its own authority.
    fn make(&self) {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        self.file("cert.pem", &certified.cert.pem());
        self.file("key.pem", &certified.signing_key.serialize_pem());
        let password = self.file("password", PASSWORD);
        let mut initdb = self.command("initdb");
        initdb.arg("--pgdata").arg(self.folder.join("data")).arg("--pwfile").arg(password);
        initdb.args(["--username", "chat", "--auth-local", "trust", "--auth-host", "scram-sha-256"]);
        // No sync: what a crash of the machine takes, a test does not miss.
        initdb.args(["--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"]);
        let output = initdb.output().unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A file of the server's own.
    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        if let Some((user, group)) = self.run_as {
            chown(&path, Some(user), Some(group)).unwrap();
        }
        path
    }

    /// One of its programs, as the user it may run as.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match self.run_as {
            None => Command::new(program),
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command.args([&format!("--reuid={user}"), &format!("--regid={group}"), "--clear-groups"]);
                command.arg(program);
                command
            }
        };
        command.current_dir(&self.folder).env_remove("PGDATABASE").stdin(Stdio::null());
        command
    }

    /// Starts it again, after [`Postgres::stop`] or [`Postgres::kill`].
    pub fn restart(&self) {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        let mut postgres = self.command("postgres");
        postgres.arg("-D").arg(self.folder.join("data")).arg("-k").arg(&self.folder);
        postgres.args(["-p", &self.port.to_string(), "-h", "127.0.0.1"]);
        for setting in [
            // A killed process leaves what it wrote to the kernel, which is all that tests do to it.
            "fsync=off",
            "full_page_writes=off",
            "max_connections=300",
            "shared_buffers=64MB",
            "ssl=on",
            "ssl_cert_file=../cert.pem",
            "ssl_key_file=../key.pem",
        ] {
            postgres.args(["-c", setting]);
        }
        postgres.stdout(Stdio::null()).stderr(Stdio::from(log));
        *self.lock() = Some(spawn(&mut postgres, "postgresql"));
        let begun = Instant::now();
        while !self
            .command("psql")
            .args(self.to("postgres"))
            .args(["-c", ""])
            .output()
            .unwrap()
            .status
            .success()
        {
            assert!(begun.elapsed() < DEADLINE, "PostgreSQL does not start: {}", self.log());
        }
    }

    /// How to reach a database for its own programs, without a password.
    fn to(&self, database: &str) -> [String; 10] {
        let port = self.port.to_string();
        let folder = self.folder.to_str().unwrap();
        let words = ["-h", folder, "-p", &port, "-U", "chat", "-d", database, "-X", "-q"];
        words.map(str::to_owned)
    }

    /// A new, empty database: its URL, with the password.
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// Where a database is, with the password.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://chat:{PASSWORD}@localhost:{}/{database}", self.port)
    }

    /// Runs SQL on a database, given by its name or its URL; returns what it prints, bare.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let name = database.rsplit('/').next().unwrap().split('?').next().unwrap();
        let mut psql = self.command("psql");
        psql.args(self.to(name)).args(["-v", "ON_ERROR_STOP=1", "-A", "-t", "-f", "-"]);
        let mut child =
            psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Runs a statement in a transaction that stays open, with its locks, until what is returned is dropped.
    pub fn hold(&self, database: &str, sql: &str) -> Held {
        let name = database.rsplit('/').next().unwrap();
        let mut psql = self.command("psql");
        psql.args(self.to(name)).args(["-A", "-t"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = psql.spawn().unwrap();
        let stdin = child.stdin.as_mut().unwrap();
        stdin.write_all(format!("BEGIN;\n{sql};\n\\echo held\n").as_bytes()).unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line == "held"), "psql ended");
        Held(child)
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Who vouches for its certificate: a PEM file.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("cert.pem")
    }

    /// What must not be seen anywhere.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Ends it as an operator does: who is connected is cut, what was committed is written down.
    pub fn stop(&self) {
        self.end("-INT");
    }

    /// Ends it as a crash does: it reads its log when it starts again.
    pub fn kill(&self) {
        self.end("-QUIT");
    }

    fn end(&self, signal: &str) {
        let Some(mut server) = self.lock().take() else { return };
        assert!(Command::new("kill").args([signal, &server.id().to_string()]).status().unwrap().success());
        server.wait().unwrap();
        wait("the port is free", || TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
        drop(self.janitor.stdin.take());
        let _ = self.janitor.wait();
    }
}

/// An open transaction; rolled back when dropped.
pub struct Held(Child);

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// The programs of the newest version that is installed.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir(PACKAGES).into_iter().flatten().flatten();
    versions
        .map(|version| version.path())
        .filter(|version| version.join("bin/initdb").exists())
        .max_by_key(|version| version.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()))
        .unwrap_or_else(|| panic!("PostgreSQL is missing: install it (Debian package: postgresql)"))
        .join("bin")
}

/// Whoever owns the folder runs the server; where that is root, the folder is given away.
fn owner_for(folder: &Path) -> Option<(u32, u32)> {
    let number = |what: &str, of: &[&str]| -> Option<u32> {
        let output = Command::new("id").arg(what).args(of).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    if number("-u", &[]) != Some(0) {
        return None;
    }
    let owner = ["postgres", "nobody"]
        .into_iter()
        .find_map(|user| number("-u", &[user]).zip(number("-g", &[user])))
        .expect("a user to run PostgreSQL");
    chown(folder, Some(owner.0), Some(owner.1)).unwrap();
    Some(owner)
}
