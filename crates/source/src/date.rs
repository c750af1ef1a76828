//! Dates of archives: `2014-02-16T05:02:20.123Z` in WARC, `20140216050220` in ARC.
//!
//! Given as milliseconds since 1970, UTC. A time zone other than `Z` is read as its offset; a date without a time
//! is midnight; what is no date is `None`.
//!
//! Source: WARC 1.1 section 5.4 (W3C profile of ISO 8601).

/// Milliseconds since 1970 of a WARC or ARC date.
pub(crate) fn millis(date: &str) -> Option<i64> {
    let bytes = date.trim().as_bytes();
    if bytes.len() >= 8 && bytes.iter().all(u8::is_ascii_digit) {
        return compact(bytes);
    }
    let date = day(number(bytes, 0, 4)?, number(bytes, 5, 2)?, number(bytes, 8, 2)?)?;
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    let Some((b'T' | b't' | b' ', time)) = bytes[10..].split_first() else {
        return (bytes.len() == 10).then_some(date * DAY);
    };
    if time.get(2) != Some(&b':') {
        return None;
    }
    let seconds = if time.get(5) == Some(&b':') {
        number(time, 6, 2)?
    } else {
        0
    };
    let midnight = clock(number(time, 0, 2)?, number(time, 3, 2)?, seconds)?;
    let rest = time.get(if time.get(5) == Some(&b':') { 8 } else { 5 }..)?;
    let (fraction, zone) = match rest.strip_prefix(b".") {
        Some(rest) => {
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            (thousandths(&rest[..digits]), &rest[digits..])
        }
        None => (0, rest),
    };
    Some(date * DAY + midnight + fraction - offset(zone)?)
}

const DAY: i64 = 86_400_000;

fn compact(digits: &[u8]) -> Option<i64> {
    let date = day(
        number(digits, 0, 4)?,
        number(digits, 4, 2)?,
        number(digits, 6, 2)?,
    )?;
    let part = |at| {
        if digits.len() >= at + 2 {
            number(digits, at, 2)
        } else {
            Some(0)
        }
    };
    Some(date * DAY + clock(part(8)?, part(10)?, part(12)?)?)
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<i64> {
    let digits = bytes.get(at..at + length)?;
    let is_number = digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits.iter().fold(0, |value, b| value * 10 + i64::from(b - b'0')))
}

/// Days since 1970 of a date in the Gregorian calendar (Howard Hinnant's `days_from_civil`).
fn day(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

fn clock(hour: i64, minute: i64, second: i64) -> Option<i64> {
    let is_time = hour < 24 && minute < 60 && second <= 60;
    is_time.then_some(((hour * 60 + minute) * 60 + second) * 1000)
}

fn thousandths(digits: &[u8]) -> i64 {
    (0..3).fold(0, |value, at| {
        value * 10 + digits.get(at).map_or(0, |b| i64::from(b - b'0'))
    })
}

fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, rest) = match zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let minutes = if rest.get(2) == Some(&b':') { 3 } else { 2 };
    Some(sign * clock(number(rest, 0, 2)?, number(rest, minutes, 2).unwrap_or(0), 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(date: &str, expected: Option<i64>) {
        assert_eq!(millis(date), expected, "{date}");
    }

    #[test]
    fn dates_count_milliseconds_since_1970() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("2014-02-16T05:02:20Z", Some(1_392_526_940_000));
        check("2014-02-16T05:02:20.12Z", Some(1_392_526_940_120));
        check("2014-02-16T07:02:20+02:00", Some(1_392_526_940_000));
        check("20140216050220", Some(1_392_526_940_000));
        check("2014-02-16", Some(1_392_508_800_000));
        check("2000-02-29T23:59:59Z", Some(951_868_799_000));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for date in [
            "",
            "2014",
            "2014-13-01T00:00:00Z",
            "2014-02-16T25:00:00Z",
            "yesterday",
            "2014-02-16Tx",
        ] {
            check(date, None);
        }
    }
}
