//! The figures, as people read them.

/// What was measured, in order.
#[derive(Default)]
pub(crate) struct Table(Vec<Line>);

struct Line {
    what: String,
    value: f64,
    unit: &'static str,
    aim: Option<f64>,
}

impl Table {
    /// A figure that stands for itself.
    pub(crate) fn figure(&mut self, what: &str, value: f64, unit: &'static str) {
        self.0.push(Line { what: what.into(), value, unit, aim: None });
    }

    /// A figure that is to be at most `aim`.
    pub(crate) fn aim(&mut self, what: &str, value: f64, unit: &'static str, aim: f64) {
        self.0.push(Line { what: what.into(), value, unit, aim: Some(aim) });
    }

    /// How many aims were missed.
    pub(crate) fn missed(&self) -> usize {
        self.0.iter().filter(|line| line.missed()).count()
    }

    /// Prints it, in Markdown.
    #[allow(clippy::print_stdout)]
    pub(crate) fn print(&self) {
        println!("| figure | value | | aim | |\n|---|---:|---|---:|---|");
        for line in &self.0 {
            let (aim, verdict) = match line.aim {
                Some(aim) => (format!("≤ {aim}"), if line.missed() { "MISSED" } else { "kept" }),
                None => (String::new(), ""),
            };
            let digits = if line.value >= 100.0 { 0 } else { 2 };
            println!("| {} | {:.digits$} | {} | {aim} | {verdict} |", line.what, line.value, line.unit);
        }
    }
}

impl Line {
    fn missed(&self) -> bool {
        self.aim.is_some_and(|aim| self.value > aim)
    }
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
