//! The figures, as people read them.

/// What was measured, in order.
#[derive(Default)]
pub(crate) struct Table(Vec<Line>);

struct Line {
    what: String,
    value: f64,
    unit: &'static str,
    aim: Option<Aim>,
}

/// What a figure is to be.
#[derive(Clone, Copy)]
enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

impl Table {
    /// A figure that stands for itself.
    pub(crate) fn figure(&mut self, what: &str, value: f64, unit: &'static str) {
        self.0.push(Line { what: what.into(), value, unit, aim: None });
    }

    /// A figure that is to be at most `aim`.
    pub(crate) fn aim(&mut self, what: &str, value: f64, unit: &'static str, aim: f64) {
        self.0.push(Line { what: what.into(), value, unit, aim: Some(Aim::AtMost(aim)) });
    }

    /// A figure that is to be at least `aim`.
    pub(crate) fn at_least(&mut self, what: &str, value: f64, unit: &'static str, aim: f64) {
        self.0.push(Line { what: what.into(), value, unit, aim: Some(Aim::AtLeast(aim)) });
    }

    /// How many aims were missed.
    pub(crate) fn missed(&self) -> usize {
        self.0.iter().filter(|line| line.missed()).count()
    }

    /// Prints it.
    #[allow(clippy::print_stdout)]
    pub(crate) fn print(&self) {
        print!("{}", self.markdown());
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from("| figure | value | | aim | |\n|---|---:|---|---:|---|\n");
        for line in &self.0 {
            let verdict = if line.missed() { "MISSED" } else { "kept" };
            let (aim, verdict) = match line.aim {
                Some(Aim::AtMost(aim)) => (format!("≤ {aim}"), verdict),
                Some(Aim::AtLeast(aim)) => (format!("≥ {aim}"), verdict),
                None => (String::new(), ""),
            };
            text +=
                &format!("| {} | {} | {} | {aim} | {verdict} |\n", line.what, short(line.value), line.unit);
        }
        text
    }
}

impl Line {
    /// A figure that is none keeps no aim.
    fn missed(&self) -> bool {
        match self.aim {
            Some(Aim::AtMost(aim)) => self.value.is_nan() || self.value > aim,
            Some(Aim::AtLeast(aim)) => self.value.is_nan() || self.value < aim,
            None => false,
        }
    }
}

/// A figure with as many digits as mean something.
pub(crate) fn short(value: f64) -> String {
    let digits = if value.abs() >= 100.0 { 0 } else { 2 };
    format!("{value:.digits$}")
}

/// Rows under headings, in Markdown; the first column is words, the others are figures.
pub(crate) fn grid(headings: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(headings) + "|---|" + &"---:|".repeat(headings.len() - 1) + "\n";
    for row in rows {
        text += &line(&row.iter().map(String::as_str).collect::<Vec<_>>());
    }
    text
}

/// The middle of some figures; with an even number of them, the mean of the two in the middle.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let half = figures.len() / 2;
    match figures.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => figures[half],
        _ => (figures[half - 1] + figures[half]) / 2.0,
    }
}

/// The figure below which `share` of them lie.
pub(crate) fn quantile(mut figures: Vec<f64>, share: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    let at = (figures.len() as f64 * share) as usize;
    figures.get(at.min(figures.len().wrapping_sub(1))).copied().unwrap_or(f64::NAN)
}
