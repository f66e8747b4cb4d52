//! The six fields: what each may hold, and how it is called.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Second,
    Minute,
    Hour,
    DayOfMonth,
    Month,
    DayOfWeek,
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Field {
    pub(super) const ALL: [Self; 6] =
        [Self::Second, Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::DayOfWeek];

    /// The least and the greatest value that may be written.
    pub(super) fn bounds(self) -> (u32, u32) {
        match self {
            Self::Second | Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            // 7 is Sunday, too.
            Self::DayOfWeek => (0, 7),
        }
    }

    /// The greatest value that `*` stands for.
    pub(super) fn last(self) -> u32 {
        if self == Self::DayOfWeek { 6 } else { self.bounds().1 }
    }

    /// The value of a name.
    pub(super) fn named(self, name: &str) -> Option<u32> {
        let place = |names: &[&str]| names.iter().position(|known| known.eq_ignore_ascii_case(name));
        let place = match self {
            Self::Month => place(&MONTHS).map(|place| place + 1),
            Self::DayOfWeek => place(&WEEKDAYS),
            Self::Second | Self::Minute | Self::Hour | Self::DayOfMonth => None,
        };
        place.map(|place| place as u32)
    }

    /// What may be written, for people.
    pub(super) fn allowed(self) -> String {
        let (least, most) = self.bounds();
        match self {
            Self::Second | Self::Minute | Self::Hour | Self::DayOfMonth => format!("{least} to {most}"),
            Self::Month => format!("{least} to {most}, or JAN to DEC"),
            Self::DayOfWeek => format!("{least} to {most} (0 and 7 are Sunday), or SUN to SAT"),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
        })
    }
}
