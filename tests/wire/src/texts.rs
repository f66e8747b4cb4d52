//! What other languages have in their standard libraries: reading times and durations. And the hash of partitions.

/// Nanoseconds since 1970 of a time such as `2026-01-01T00:00:00.000000001Z`.
pub fn nanos(time: &str) -> Option<i64> {
    let (date, clock) = time.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, by: char| text.split(by).map(|part| part.parse().ok()).collect::<Option<Vec<i64>>>();
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let (date, clock) = (numbers(date, '-')?, numbers(clock, ':')?);
    let (&[year, month, day], &[hours, minutes, seconds]) = (&date[..], &clock[..]) else { return None };
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    let seconds = ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
    Some(seconds * 1_000_000_000 + format!("{fraction:0<9}").get(..9)?.parse::<i64>().ok()?)
}

/// Milliseconds of a duration such as `1h30m` or `250ms`.
pub fn millis(duration: &str) -> Option<u64> {
    let units = [("ms", 1.0), ("s", 1e3), ("m", 6e4), ("h", 3.6e6), ("d", 8.64e7), ("w", 6.048e8)];
    let (mut rest, mut total) = (duration, 0.0);
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| c.is_ascii_alphabetic())?);
        let (unit, after) = after.split_at(after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len()));
        let (_, size) = units.iter().find(|(name, _)| *name == unit)?;
        total += number.parse::<f64>().ok()? * size;
        rest = after;
    }
    Some(total as u64)
}

/// The partition of an execution: 32-bit FNV-1a of the bytes of its id, modulo the number of partitions.
pub fn partition(execution: &str, partitions: u32) -> u32 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
    execution.bytes().fold(2_166_136_261, step) % partitions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_read() {
        assert_eq!(nanos("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(nanos("2026-11-20T06:00:00.5Z"), Some(1_795_154_400_500_000_000));
        assert_eq!(nanos("2024-02-29T23:59:59.000000001Z"), Some(1_709_251_199_000_000_001));
        assert_eq!(nanos("2026-11-20T06:00:00+01:00"), None);
        assert_eq!(
            [millis("30s"), millis("1m500ms"), millis("1.5h"), millis("x")].map(Option::unwrap_or_default),
            [30_000, 60_500, 5_400_000, 0]
        );
    }

    /// The golden values of the page.
    #[test]
    fn partitions_are_those_of_the_page() {
        let of = |id| (partition(id, 2), partition(id, 16));
        assert_eq!([of("order-1"), of("order-2"), of("a"), of("")], [(1, 13), (0, 4), (0, 12), (1, 5)]);
    }
}
