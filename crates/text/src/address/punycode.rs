//! Labels of host names in ASCII: Punycode, RFC 3492.

/// Appends a label, as `xn--…` if it is not ASCII. `None` if it is too long for a host name.
pub(super) fn push_label(label: &str, out: &mut String) -> Option<()> {
    if label.is_ascii() {
        out.push_str(label);
        return Some(());
    }
    // A label has at most 63 bytes in ASCII, and every other character takes at least one; so sums below stay small.
    let characters: Vec<u32> = label.chars().take(64).map(u32::from).collect();
    if characters.len() > 59 {
        return None;
    }
    out.push_str("xn--");
    let start = out.len();
    out.extend(label.chars().filter(char::is_ascii));
    let mut handled = (out.len() - start) as u32;
    let basic = handled;
    if basic > 0 {
        out.push('-');
    }
    let (mut code, mut delta, mut bias) = (128, 0, 72);
    while (handled as usize) < characters.len() {
        let next = characters.iter().copied().filter(|&c| c >= code).min()?;
        delta += (next - code) * (handled + 1);
        code = next;
        for &character in &characters {
            if character < code {
                delta += 1;
            }
            if character == code {
                push_number(delta, bias, out);
                bias = adapted(delta, handled + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta += 1;
        code += 1;
    }
    (out.len() - start + 4 <= 63).then_some(())
}

/// A number with digits of growing weight.
fn push_number(mut number: u32, bias: u32, out: &mut String) {
    let digit = |value: u32| {
        (if value < 26 {
            b'a' + value as u8
        } else {
            b'0' + (value - 26) as u8
        }) as char
    };
    let mut place = 36;
    loop {
        let threshold = place.clamp(bias + 1, bias + 26) - bias;
        if number < threshold {
            break;
        }
        out.push(digit(threshold + (number - threshold) % (36 - threshold)));
        number = (number - threshold) / (36 - threshold);
        place += 36;
    }
    out.push(digit(number));
}

fn adapted(delta: u32, count: u32, is_first: bool) -> u32 {
    let mut delta = if is_first { delta / 700 } else { delta / 2 };
    delta += delta / count;
    let mut bias = 0;
    while delta > 35 * 26 / 2 {
        delta /= 35;
        bias += 36;
    }
    bias + 36 * delta / (delta + 38)
}
