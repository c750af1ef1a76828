//! Dates as people and machines write them, to `YYYY-MM-DD`.
//!
//! Read are ISO 8601 (`2025-09-04T10:00Z`, `20250904`, `2025/9/4`) and days with English month names in either
//! order (`Thu, 04 Sep 2025`, `September 4th, 2025`). `04/09/2025` is not read: it means two days. Years run from
//! 1980 to 2099; the time of day and its zone are left out.

/// The first date in a text.
pub(super) fn iso_date(text: &str) -> Option<String> {
    let text = text.trim();
    let (year, month, day) = numeric(text).or_else(|| named(text))?;
    let days = match month {
        2 if year % 4 == 0 => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    let is_date = (1980..2100).contains(&year) && (1..=days).contains(&day);
    is_date.then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// The date in the path of an address: `/2025/09/04/`.
pub(super) fn date_of_url(url: &str) -> Option<String> {
    let parts: Vec<&str> = url.split(['/', '-', '?', '#']).collect();
    parts.windows(3).find_map(|parts| {
        let [year, month, day] = parts else { return None };
        let has_digits = |part: &str, lengths: &[usize]| {
            lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        (has_digits(year, &[4]) && has_digits(month, &[2]) && has_digits(day, &[2]))
            .then(|| iso_date(&format!("{year}-{month}-{day}")))
            .flatten()
    })
}

type Parts = (u32, u32, u32);

fn numeric(text: &str) -> Option<Parts> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 8 {
        return Some((
            text[..4].parse().ok()?,
            text[4..6].parse().ok()?,
            text[6..8].parse().ok()?,
        ));
    }
    if digits != 4 {
        return None;
    }
    let separator = text[4..]
        .chars()
        .next()
        .filter(|c| matches!(c, '-' | '/' | '.'))?;
    let mut parts = text[5..].split(separator);
    let number = |part: &str| {
        let end = part.bytes().take_while(u8::is_ascii_digit).count();
        part[..end].parse().ok().filter(|_| end <= 2)
    };
    Some((
        text[..4].parse().ok()?,
        number(parts.next()?)?,
        number(parts.next()?)?,
    ))
}

fn named(text: &str) -> Option<Parts> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let (mut year, mut month, mut day) = (None, None, None);
    // A date has at most a weekday and a few fillers around it.
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(8)
    {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        match digits {
            4 if digits == word.len() => year = year.or(word.parse().ok()),
            1 | 2 if matches!(&word[digits..], "" | "st" | "nd" | "rd" | "th") => {
                day = day.or(word[..digits].parse().ok());
            }
            0 if word.len() >= 3 && word.is_ascii() => {
                let start = word[..3].to_ascii_lowercase();
                month = month.or(MONTHS.iter().position(|name| *name == start));
            }
            _ => {}
        }
        if let (Some(year), Some(month), Some(day)) = (year, month, day) {
            return Some((year, month as u32 + 1, day));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(iso_date(text).as_deref(), expected, "{text}");
    }

    #[test]
    fn machines_write_the_year_first() {
        check("2025-09-04T10:11:12+02:00", Some("2025-09-04"));
        check(" 2025/9/4 ", Some("2025-09-04"));
        check("20250904", Some("2025-09-04"));
        check("2024-02-29", Some("2024-02-29"));
    }

    #[test]
    fn people_write_the_month_by_name() {
        check("Thu, 04 Sep 2025 10:11:12 GMT", Some("2025-09-04"));
        check("September 4th, 2025", Some("2025-09-04"));
        check("Published on 4 sept. 2025", Some("2025-09-04"));
    }

    #[test]
    fn what_is_no_day_is_no_date() {
        for text in [
            "",
            "04/09/2025",
            "2025-13-01",
            "2023-02-29",
            "1066-10-14",
            "2025-09",
            "today",
            "2025-é",
            "20250",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_path_holds_a_date() {
        assert_eq!(
            date_of_url("https://a.org/2025/09/04/title").as_deref(),
            Some("2025-09-04")
        );
        assert_eq!(date_of_url("https://a.org/2025/title"), None);
    }
}
