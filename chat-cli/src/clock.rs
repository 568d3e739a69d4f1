//! Dates and times as people here read them: Korean where the locale says so, else English.

use chat_engine::protocol::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// How to write dates and times.
pub(crate) struct Clock {
    zone: TimeZone,
    korean: bool,
}

impl Clock {
    /// By the system's zone and locale.
    pub(crate) fn local() -> Self {
        let locale = ["LC_ALL", "LC_TIME", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
        Self { zone: TimeZone::system(), korean: locale.is_some_and(|l| l.starts_with("ko")) }
    }

    /// The day a moment falls on, here.
    pub(crate) fn day(&self, moment: Timestamp) -> Date {
        self.zoned(moment).date()
    }

    /// "2024년 8월 7일" or "7 August 2024".
    pub(crate) fn write_day(&self, day: Date) -> String {
        if self.korean {
            format!("{}년 {}월 {}일", day.year(), day.month(), day.day())
        } else {
            day.strftime("%-d %B %Y").to_string()
        }
    }

    /// "오전 10:30" or "10:30".
    pub(crate) fn write_time(&self, moment: Timestamp) -> String {
        let zoned = self.zoned(moment);
        if self.korean {
            let half = if zoned.hour() < 12 { "오전" } else { "오후" };
            format!("{half} {}:{:02}", (zoned.hour() + 11) % 12 + 1, zoned.minute())
        } else {
            zoned.strftime("%H:%M").to_string()
        }
    }

    fn zoned(&self, moment: Timestamp) -> jiff::Zoned {
        let moment =
            jiff::Timestamp::from_millisecond(moment.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        moment.to_zoned(self.zone.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(korean: bool, moment: &str) -> (String, String) {
        let clock = Clock { zone: TimeZone::get("Asia/Seoul").unwrap(), korean };
        let moment = moment.parse().unwrap();
        (clock.write_day(clock.day(moment)), clock.write_time(moment))
    }

    #[test]
    fn a_moment_is_written_by_the_local_clock_and_language() {
        let morning = "2024-08-07T01:30:00Z";
        assert_eq!(written(true, morning), ("2024년 8월 7일".into(), "오전 10:30".into()));
        assert_eq!(written(false, morning), ("7 August 2024".into(), "10:30".into()));
        assert_eq!(written(true, "2024-08-06T15:05:00Z"), ("2024년 8월 7일".into(), "오전 12:05".into()));
        assert_eq!(written(true, "2024-08-07T03:00:00Z").1, "오후 12:00");
    }
}
