//! This program again, for one figure.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

/// Runs `subcommand` to its end and returns its figures.
pub(crate) fn run_child(subcommand: &str, arguments: &[String]) -> Result<Value> {
    let output = Command::new(std::env::current_exe()?)
        .arg(subcommand)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "{subcommand} failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// One that goes on until it is told to end, and is asked for figures meanwhile.
pub(crate) struct Child {
    process: std::process::Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Child {
    pub(crate) fn start(subcommand: &str, arguments: &[String]) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(subcommand)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().context("no output")?);
        Ok(Self { process, questions, answers })
    }

    /// The figures of its life so far.
    pub(crate) fn probe(&mut self) -> Result<Value> {
        self.questions.as_mut().context("no input")?.write_all(b"\n")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Lets it end.
    pub(crate) fn end(mut self) -> Result<()> {
        self.questions = None;
        ensure!(self.process.wait()?.success(), "a measured process failed");
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
