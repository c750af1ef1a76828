//! Prices and dates, as far as their form tells.

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const CODES: [&str; 8] = ["USD ", "EUR ", "GBP ", "Rs. ", "Rs ", "CHF ", " kr", " zł"];

/// A sign of a currency next to a digit, or three capitals of one before a number.
pub(super) fn has_price(source: &str) -> bool {
    let bytes = source.as_bytes();
    let near_digit = |from: usize, to: usize| {
        let before = bytes[..from].iter().rev().find(|&&byte| byte != b' ');
        let after = bytes[to..].iter().find(|&&byte| byte != b' ');
        before.is_some_and(u8::is_ascii_digit) || after.is_some_and(u8::is_ascii_digit)
    };
    memchr::memchr_iter(b'$', bytes).any(|at| near_digit(at, at + 1))
        || memchr::memchr2_iter(0xc2, 0xe2, bytes).any(|at| {
            let rest = &source[at..];
            ['£', '¥', '€', '₹', '₽', '₩']
                .iter()
                .any(|&sign| rest.starts_with(sign) && near_digit(at, at + sign.len_utf8()))
        })
        || (bytes.len() < 60
            && CODES.iter().any(|sign| {
                source
                    .find(sign)
                    .is_some_and(|at| near_digit(at, at + sign.len()))
            }))
}

/// A year beside other digits or a month, a clock, or a time "ago", in a short text.
pub(super) fn has_date(source: &str) -> bool {
    if source.len() > 120 {
        return false;
    }
    let bytes = source.as_bytes();
    if !bytes.iter().any(u8::is_ascii_digit) {
        return source.contains(" ago");
    }
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let clock =
        (1..bytes.len()).any(|at| bytes[at] == b':' && digit(at - 1) && digit(at + 1) && digit(at + 2));
    let numbers = (2..bytes.len()).any(|at| {
        matches!(bytes[at], b'/' | b'-' | b'.')
            && digit(at - 1)
            && digit(at + 1)
            && [2usize, 3]
                .iter()
                .any(|&more| bytes.get(at + more) == Some(&bytes[at]) && digit(at + more + 1))
    });
    clock || numbers || source.contains(" ago") || MONTHS.iter().any(|month| source.contains(month))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_a_sign_beside_a_digit() {
        for price in ["$5", "from 3,99 €", "₹ 499", "USD 39.26", "120 kr"] {
            assert!(has_price(price), "{price}");
        }
        for other in ["$HOME", "5 apples", "US$", "â 5", ""] {
            assert!(!has_price(other), "{other}");
        }
    }

    #[test]
    fn a_date_has_a_month_a_clock_or_two_marks() {
        for date in ["May 3", "12:30", "2024-05-03", "03.05.2024", "two days ago"] {
            assert!(has_date(date), "{date}");
        }
        for other in ["May we?", "1:2", "555-1234", "v1.2", ""] {
            assert!(!has_date(other), "{other}");
        }
    }
}
