//! What the person at the terminal sees. Control characters of data are escaped before they are printed.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
};

use gristmill_engine::Error;
use serde_json::{Value, json};

/// Prints data to stdout and messages to stderr, as text or as JSON lines.
pub(crate) struct Screen {
    pub(crate) json: bool,
    /// Whether stdout shows colours.
    has_colors: bool,
}

/// What a colour means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Strong,
    Quiet,
    Good,
    Bad,
}

impl Screen {
    pub(crate) fn new(json: bool) -> Self {
        let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Screen {
            json,
            has_colors: io::stdout().is_terminal() && !is_plain,
        }
    }

    /// The text in the colour of its meaning, where stdout shows colours.
    pub(crate) fn painted(&self, paint: Paint, text: &str) -> String {
        if !self.has_colors {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Strong => 1,
            Paint::Quiet => 2,
            Paint::Good => 32,
            Paint::Bad => 31,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Data of many lines: through the pager that `PAGER` names, or `less`, where stdout is a terminal.
    pub(crate) fn paged(&self, text: &str) {
        if io::stdout().is_terminal() {
            let pager = std::env::var("PAGER")
                .ok()
                .filter(|pager| !pager.trim().is_empty());
            let pager = pager.unwrap_or_else(|| "less -RFX".to_owned());
            let mut words = pager.split_whitespace();
            let command = words.next().unwrap_or("less");
            let started = std::process::Command::new(command)
                .args(words)
                .stdin(std::process::Stdio::piped())
                .spawn();
            if let Ok(mut child) = started {
                if let Some(mut input) = child.stdin.take() {
                    // Who has read enough closes the pipe.
                    let _ = writeln!(input, "{text}");
                }
                let _ = child.wait();
                return;
            }
        }
        self.data(text);
    }

    /// Whether stderr is a terminal that can redraw.
    pub(crate) fn redraws(&self) -> bool {
        !self.json && io::stderr().is_terminal()
    }

    /// A line of data. A reader that went away (`| head`) ends the command quietly, with the code that a shell gives
    /// to a process that the closed pipe killed.
    pub(crate) fn data(&self, line: &str) {
        match writeln!(io::stdout().lock(), "{line}") {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(141),
            Err(error) => {
                let _ = writeln!(io::stderr().lock(), "error: cannot write the answer: {error}");
                std::process::exit(75);
            }
        }
    }

    /// A JSON line of data.
    pub(crate) fn json(&self, value: &Value) {
        self.data(&value.to_string());
    }

    /// A line for the person.
    pub(crate) fn say(&self, line: &str) {
        if !self.json {
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
    }

    pub(crate) fn error(&self, error: &Error) {
        let mut stderr = io::stderr().lock();
        if self.json {
            let problems: Vec<Value> = match error {
                Error::Recipe(problems) => problems
                    .iter()
                    .map(|p| json!({ "file": p.file, "line": p.line, "column": p.column, "message": p.message, "hint": p.hint }))
                    .collect(),
                _ => Vec::new(),
            };
            let value = json!({ "event": "error", "exit_code": error.exit_code(), "message": error.to_string(), "problems": problems });
            let _ = writeln!(stderr, "{value}");
            return;
        }
        let _ = match error {
            Error::Recipe(problems) => {
                writeln!(
                    stderr,
                    "{}\n{}",
                    escaped(&error.to_string()),
                    count(problems.len() as u64, "problem")
                )
            }
            _ => writeln!(stderr, "error: {}", escaped(&error.to_string())),
        };
    }
}

/// "1 problem", "2 problems".
pub(crate) fn count(n: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// 1234567 as `1,234,567`.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes as `1.5 GiB`.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{n} B")
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// The text with control characters (but line breaks and tabs) made visible.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    let is_bad = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    text.chars()
        .flat_map(|c| {
            if is_bad(c) {
                c.escape_default().collect::<Vec<_>>()
            } else {
                vec![c]
            }
        })
        .collect::<String>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_get_no_control_characters_from_data() {
        assert_eq!(escaped("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\n");
        assert_eq!(escaped("plain"), "plain");
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(count(1, "row"), "1 row");
    }
}
