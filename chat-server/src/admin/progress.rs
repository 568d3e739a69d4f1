//! How far a long command is, on stderr: a bar for a person, a line every few seconds for a log.

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Between two lines of a log: seldom enough that an hour leaves a few pages, often enough to see that it goes on.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Progress through something that may not say how long it is.
pub(crate) struct Progress {
    what: &'static str,
    unit: &'static str,
    began: Instant,
    whole: Option<u64>,
    bar: Option<ProgressBar>,
    line_due: Instant,
}

impl Progress {
    /// `what` is done over `whole` steps, if that is known; what it is worth is counted in `unit`s.
    pub(crate) fn begin(what: &'static str, unit: &'static str, whole: Option<u64>) -> Self {
        let began = Instant::now();
        let bar = stderr().is_terminal().then(|| bar(what, whole));
        Self { what, unit, began, whole, bar, line_due: began + LINE_EVERY }
    }

    /// `step` of the whole is done, and so many units with it.
    pub(crate) fn at(&mut self, step: u64, units: u64) {
        if let Some(bar) = &self.bar {
            bar.set_message(self.words(units));
            bar.set_position(step);
            return;
        }
        let now = Instant::now();
        if now < self.line_due {
            return;
        }
        self.line_due = now + LINE_EVERY;
        let mut line = format!("{}: ", self.what);
        if let Some(whole) = self.whole.filter(|whole| *whole > 0) {
            let percent = step.min(whole) * 100 / whole;
            let left =
                now.duration_since(self.began).as_secs_f64() * (whole as f64 / step.max(1) as f64 - 1.0);
            let left = HumanDuration(Duration::try_from_secs_f64(left.max(0.0)).unwrap_or_default());
            line.push_str(&format!("{percent}%, {left} left, "));
        }
        line.push_str(&self.words(units));
        // With stderr closed nothing is lost but this line.
        let _ = writeln!(stderr(), "{line}");
    }

    /// Something else takes its time now.
    pub(crate) fn note(&self, words: &'static str) {
        if let Some(bar) = &self.bar {
            bar.set_message(words);
            bar.tick();
        }
    }

    /// How long it has taken.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn words(&self, units: u64) -> String {
        let per_second = units as f64 / self.began.elapsed().as_secs_f64().max(0.001);
        format!("{} {}, {}/s", HumanCount(units), self.unit, HumanCount(per_second as u64))
    }
}

/// After an error too, whose words then stand on a line of their own.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(what: &'static str, whole: Option<u64>) -> ProgressBar {
    let (bar, template) = match whole {
        Some(whole) => (ProgressBar::new(whole), "{prefix} [{bar:30}] {percent:>3}%  {msg}, {eta} left"),
        None => (ProgressBar::new_spinner(), "{prefix} {spinner} {msg}, {elapsed}"),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    // The templates are ours, and good; indicatif's own would do as well.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(what);
    bar
}
