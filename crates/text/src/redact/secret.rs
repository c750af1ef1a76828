//! Keys, tokens and passwords that are recognised by their form.
//!
//! | secret | form | source |
//! |---|---|---|
//! | AWS access key id | `AKIA` or `ASIA`, 16 of `A-Z2-7`, one of them a digit | AWS IAM user guide, "Unique identifiers" |
//! | GitHub token | `ghp_`, `gho_`, `ghu_`, `ghs_` or `ghr_`, 36 to 251 letters and digits | GitHub blog 2021-04-05, "Behind GitHub's new authentication token formats" |
//! | GitHub fine-grained token | `github_pat_`, 22 letters and digits, `_`, 59 of them | GitHub docs, "About authentication to GitHub"; GitHub blog 2022-10-18 |
//! | GitLab token | `glpat-`, 20 to 300 of `A-Za-z0-9_-`, to the first dot | GitLab docs, "Token overview" |
//! | Slack token | `xoxa-`, `xoxb-`, `xoxe-`, `xoxp-`, `xoxr-` or `xoxs-`, 20 or more of `A-Za-z0-9-` | Slack docs, "Tokens" |
//! | Google API key | `AIza`, 35 of `A-Za-z0-9_-` | Google Cloud docs, "Manage API keys" |
//! | Stripe live key | `sk_live_` or `rk_live_`, 24 or more letters and digits | Stripe docs, "API keys" |
//! | npm token | `npm_`, 36 letters and digits | GitHub blog 2021-09-23, "Announcing npm's new access token format" |
//! | PyPI token | `pypi-AgE`, 50 or more of `A-Za-z0-9_-` | PyPI help, "API tokens"; macaroons, version 2 |
//! | OpenAI and Anthropic key | `sk-`, 32 or more of `A-Za-z0-9_-` with a capital, a small letter and a digit | OpenAI and Anthropic API references, "Authentication" |
//! | JSON web token | `eyJ` (`{"` in Base64), in all three parts of `A-Za-z0-9_-`, of which the second begins with it too | RFC 7519, section 3 |
//! | private key | `-----BEGIN … PRIVATE KEY-----` to its `-----END`, with 64 or more bytes between them | RFC 7468, section 10; RFC 1421 |
//! | password in a URL | `scheme://user:password@host`: the password | RFC 3986, section 3.2.1 |
//!
//! Keys and tokens are no part of a longer row of `A-Za-z0-9_-` and have eight different characters or more after the
//! fixed part: `ghp_xxxxxxxx…` and `AKIA1111…` stand for a key. Key ids that end in `EXAMPLE` are the AWS docs' own.
//! Passwords that stand for one (`password`, `$PASS`, `{pass}`, `<pass>`, `***`, the user's name again) stay.
//!
//! Replaced by `<secret>`: a text that has a secret's form would be taken for one by whoever scans the shards.

use std::ops::Range;

use gristmill_core::{Card, Column, Cost, columns};
use memchr::memmem;

use super::{Redaction, position};

/// Describes [`SECRET`] to recipes, lists and docs.
static CARD: Card = Card {
    name: "secret",
    about: "replaces keys, tokens and passwords of a recognisable form",
    inputs: &[columns::TEXT],
    outputs: &[
        columns::TEXT,
        Column::u32(
            "text_redacted_secrets",
            "keys, tokens and passwords that were replaced",
        ),
    ],
    source: "documentation of the issuers; RFC 7519, RFC 7468, RFC 3986",
    cost: Cost::Cheap,
    version: 1,
};

const PLACEHOLDERS: [&str; 1] = ["<secret>"];

/// Replaces secrets; see the module.
pub(super) static SECRET: Redaction = Redaction {
    card: &CARD,
    find,
    placeholders: |_| &PLACEHOLDERS,
};

/// A form that is known by its first characters.
struct Form {
    prefix: &'static str,
    /// What follows the prefix, to its end.
    is_body: fn(&[u8]) -> bool,
}

/// Each has one of `find`'s anchors among its first seven characters.
const FORMS: &[Form] = &[
    Form {
        prefix: "AKIA",
        is_body: is_aws,
    },
    Form {
        prefix: "ASIA",
        is_body: is_aws,
    },
    Form {
        prefix: "AIza",
        is_body: |body| body.len() == 35,
    },
    Form {
        prefix: "ghp_",
        is_body: is_github,
    },
    Form {
        prefix: "gho_",
        is_body: is_github,
    },
    Form {
        prefix: "ghu_",
        is_body: is_github,
    },
    Form {
        prefix: "ghs_",
        is_body: is_github,
    },
    Form {
        prefix: "ghr_",
        is_body: is_github,
    },
    Form {
        prefix: "github_pat_",
        is_body: |body| body.len() == 82 && body[22] == b'_' && without(body, b"-"),
    },
    Form {
        prefix: "glpat-",
        is_body: |body| (20..=300).contains(&body.len()),
    },
    Form {
        prefix: "xoxa-",
        is_body: is_slack,
    },
    Form {
        prefix: "xoxb-",
        is_body: is_slack,
    },
    Form {
        prefix: "xoxe-",
        is_body: is_slack,
    },
    Form {
        prefix: "xoxp-",
        is_body: is_slack,
    },
    Form {
        prefix: "xoxr-",
        is_body: is_slack,
    },
    Form {
        prefix: "xoxs-",
        is_body: is_slack,
    },
    Form {
        prefix: "sk_live_",
        is_body: is_stripe,
    },
    Form {
        prefix: "rk_live_",
        is_body: is_stripe,
    },
    Form {
        prefix: "npm_",
        is_body: |body| body.len() == 36 && without(body, b"_-"),
    },
    Form {
        prefix: "pypi-AgE",
        is_body: |body| body.len() >= 50,
    },
    Form {
        prefix: "sk-",
        is_body: is_model_api,
    },
];

fn is_aws(body: &[u8]) -> bool {
    let is_base32 = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'2'..=b'7');
    body.len() == 16
        && body.iter().all(is_base32)
        && body.iter().any(u8::is_ascii_digit)
        && !body.ends_with(b"EXAMPLE")
}

fn is_github(body: &[u8]) -> bool {
    (36..=251).contains(&body.len()) && without(body, b"_-")
}

fn is_slack(body: &[u8]) -> bool {
    body.len() >= 20 && without(body, b"_") && body.iter().any(u8::is_ascii_digit)
}

fn is_stripe(body: &[u8]) -> bool {
    body.len() >= 24 && without(body, b"_-")
}

fn is_model_api(body: &[u8]) -> bool {
    body.len() >= 32
        && body.iter().any(u8::is_ascii_uppercase)
        && body.iter().any(u8::is_ascii_lowercase)
        && body.iter().any(u8::is_ascii_digit)
}

fn without(body: &[u8], bytes: &[u8]) -> bool {
    !body.iter().any(|byte| bytes.contains(byte))
}

/// Different characters that a key has after its prefix, at least.
const DIFFERENT_MIN: u32 = 8;

/// Base64 of the shortest keys (Ed25519 in PKCS #8, RFC 8410: 48 bytes).
const PEM_BYTES_MIN: usize = 64;

/// User and password of a URL together, at most.
const USERINFO_BYTES: usize = 256;

/// The first secret that begins at or after `from`.
///
/// Every form has one of five characters near its beginning, the anchor. A row of token characters is looked at as a
/// whole for anchors near its beginning only; what follows a PEM label, to the next five hyphens, where the next
/// label may begin; a URL, at most [`USERINFO_BYTES`].
fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(anchor) = position(bytes, at, |byte| matches!(byte, b'_' | b'-' | b'I' | b'J' | b':')) {
        at = anchor + 1;
        let found = match bytes[anchor] {
            b':' => password_after(text, anchor),
            b'J' if anchor >= from + 2 => web_token_at(bytes, anchor - 2),
            b'-' if bytes[anchor..].starts_with(PEM_BEGIN) => private_key_at(bytes, anchor),
            _ => key_around(bytes, from, anchor),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// The key of [`FORMS`] in whose row of token characters `anchor` is, near the beginning.
fn key_around(bytes: &[u8], from: usize, anchor: usize) -> Option<Range<usize>> {
    const BACK_MAX: usize = "github".len();
    let before = bytes[..anchor].iter().rev().take(BACK_MAX + 1);
    let start = anchor - before.take_while(|byte| is_token(**byte)).count();
    if start < from || anchor - start > BACK_MAX {
        return None;
    }
    let rest = &bytes[start..];
    let form = FORMS
        .iter()
        .find(|form| rest.starts_with(form.prefix.as_bytes()))?;
    let body = start + form.prefix.len();
    let end = row_end(bytes, body);
    let is_key = (form.is_body)(&bytes[body..end]) && is_varied(&bytes[body..end]);
    is_key.then_some(start..end)
}

fn web_token_at(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    const BEGINNING: &[u8] = b"eyJ";
    let is_start = bytes[start..].starts_with(BEGINNING)
        && !bytes[..start]
            .last()
            .is_some_and(|byte| is_token(*byte) || *byte == b'.');
    let header = is_start.then(|| row_end(bytes, start))?;
    let payload = header + 1;
    if bytes.get(header) != Some(&b'.') || !bytes[payload..].starts_with(BEGINNING) {
        return None;
    }
    let payload_end = row_end(bytes, payload);
    let end = match bytes.get(payload_end) {
        Some(b'.') => row_end(bytes, payload_end + 1),
        _ => return None,
    };
    is_varied(&bytes[payload..payload_end]).then_some(start..end)
}

const PEM_BEGIN: &[u8] = b"-----BEGIN ";

fn private_key_at(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    const DASHES: &[u8] = b"-----";
    const PEM_END: &[u8] = b"-----END ";
    const LABEL_END: &[u8] = b"PRIVATE KEY-----";
    /// `RSA`, `EC`, `DSA`, `OPENSSH`, `ENCRYPTED` and what may come.
    const LABEL_BYTES: usize = 32;

    // Gives where the label ends, if it is that of a private key.
    let label_end = |label: usize| {
        let kind = bytes[label..].iter().take(LABEL_BYTES);
        let is_kind = |byte: &&u8| byte.is_ascii_uppercase() || **byte == b' ';
        let end = label + kind.take_while(is_kind).count() + DASHES.len();
        bytes.get(label..end)?.ends_with(LABEL_END).then_some(end)
    };
    let body = label_end(start + PEM_BEGIN.len())?;
    let body_end = body + memmem::find(&bytes[body..], DASHES)?;
    let is_end = bytes[body_end..].starts_with(PEM_END);
    let end = is_end.then(|| label_end(body_end + PEM_END.len()))??;
    // A row of token characters that begins after the key must not begin anew once the key is gone.
    let is_alone = !bytes
        .get(end)
        .is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'_');
    let is_key = body_end - body >= PEM_BYTES_MIN && is_varied(&bytes[body..body_end]) && is_alone;
    is_key.then_some(start..end)
}

/// The password of the URL whose `://` begins at `colon`.
fn password_after(text: &str, colon: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let is_url =
        bytes[colon..].starts_with(b"://") && bytes[..colon].last().is_some_and(u8::is_ascii_alphanumeric);
    let user = is_url.then_some(colon + 3)?;
    let userinfo = bytes[user..].iter().take(USERINFO_BYTES);
    let length = userinfo
        .take_while(|byte| byte.is_ascii_graphic() && !b"/@?#\"<>\\`".contains(byte))
        .count();
    let end = user + length;
    let host = bytes
        .get(end + 1)
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'[');
    let (name, password) = text[user..end]
        .split_once(':')
        .filter(|_| bytes.get(end) == Some(&b'@') && host)?;
    (!stands_for_password(name, password)).then_some(end - password.len()..end)
}

/// Whether this is what manuals write where a password goes.
fn stands_for_password(name: &str, password: &str) -> bool {
    const WORDS: [&str; 10] = [
        "password",
        "passwd",
        "passwort",
        "pass",
        "pwd",
        "pw",
        "secret",
        "token",
        "mypassword",
        "yourpassword",
    ];
    let letters: String = password.chars().filter(char::is_ascii_alphanumeric).collect();
    let is_variable = password.starts_with(['$', '{', '%', '[', '(', '*']);
    is_variable
        || letters.len() < 3
        || name == password
        || WORDS.iter().any(|word| letters.eq_ignore_ascii_case(word))
        || letters.bytes().all(|byte| byte == letters.as_bytes()[0])
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Where the row of token characters ends that begins at `start`.
fn row_end(bytes: &[u8], start: usize) -> usize {
    start + bytes[start..].iter().take_while(|byte| is_token(**byte)).count()
}

fn is_varied(body: &[u8]) -> bool {
    let seen = body.iter().fold(0u128, |seen, byte| seen | 1 << (byte & 127));
    seen.count_ones() >= DIFFERENT_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        super::super::tests::check(&SECRET, text, expected);
    }

    /// Put together here, so that nobody who scans this file finds a key.
    fn row(prefix: &str, length: usize) -> String {
        let body = "q7Zr2XmK9vTc4LpW8sHd3NfB6gJy5RtAeUoPiQwMzCxVkYhGbDnSaFEjlu01OI";
        format!(
            "{prefix}{}",
            body.chars().cycle().take(length).collect::<String>()
        )
    }

    #[test]
    fn tokens_of_every_form_are_found() {
        for token in [
            format!("AKIA{}", "Q7ZR2XMK5VTC4LPW"),
            format!("ASIA{}", "Q7ZR2XMK5VTC4LPW"),
            row("ghp_", 36),
            row("gho_", 36),
            row("ghs_", 36),
            format!("{}_{}", row("github_pat_", 22), row("", 59)),
            row("glpat-", 20),
            row("xoxb-123456789012-", 24),
            row("AIza", 35),
            row("sk_live_", 24),
            row("npm_", 36),
            row("pypi-AgEIcHlwaS5vcmc", 80),
            row("sk-", 48),
            row("sk-proj-", 60),
            row("sk-ant-api03-", 60),
            format!("{}.{}.{}", row("eyJ", 20), row("eyJ", 40), row("", 43)),
        ] {
            check(&token, &[&token]);
            check(&format!("export KEY={token};"), &[&token]);
            check(&format!("\"{token}\", '{token}'"), &[&token, &token]);
            check(&format!("x{token}"), &[]);
            check(&format!("é-{token}"), &[]);
        }
    }

    #[test]
    fn tokens_of_another_length_or_without_variety_stay() {
        for text in [
            row("ghp_", 35),
            row("npm_", 35),
            row("npm_", 37),
            row("AIza", 34),
            row("AIza", 36),
            row("glpat-", 19),
            row("sk-", 31),
            "AKIAIOSFODNN7EXAMPLE".to_owned(),
            format!("ghp_{}", "x".repeat(36)),
            format!("AIza{}", "-".repeat(35)),
            format!("sk-{}", "folding-cube-animation-in-pure-css"),
            format!("{}.{}", row("eyJ", 20), row("eyJ", 40)),
            format!("{}.{}.{}", row("eyJ", 20), row("abc", 40), row("", 43)),
        ] {
            check(&text, &[]);
        }
    }

    #[test]
    fn words_like_prefixes_stay() {
        for text in [
            "NPM_CONFIG_REGISTRY npm_package_version npm_lifecycle_event",
            "ASIA AKIA SAKIAMUNI",
            "sk-learn, sk-button-primary-large-with-icon-2",
            "task-management risk-assessment-of-Long-Term-Investments-2024-in-Europe",
            "https://example.com/a:b@c",
            "eyJ",
            "xoxo- xoxoxo",
            "pypi-server",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn private_keys_are_found_whole() {
        let body = row("MII", 200);
        for kind in ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "] {
            let key = format!("-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----");
            check(&format!("key: {key}\n"), &[&key]);
            check(&format!("-----BEGIN X-----{key}--{key}"), &[&key, &key]);
        }
    }

    #[test]
    fn other_pem_blocks_stay() {
        let body = row("MII", 200);
        for text in [
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"),
            format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----"),
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----".to_owned(),
            format!("-----BEGIN PRIVATE KEY-----\n{body}"),
            format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----BEGIN X-----"),
            "-----BEGIN ".to_owned(),
            "-----BEGIN PRIVATE KEY-----".to_owned(),
            "----------------------------".to_owned(),
        ] {
            check(&text, &[]);
        }
    }

    #[test]
    fn passwords_in_urls_are_found() {
        check("postgres://app:s3cr3t-x@db.example.com:5432/app", &["s3cr3t-x"]);
        check("ftp://jo:tr0ub:4dor@[::1]/", &["tr0ub:4dor"]);
        check("see https://:hunter22@host", &["hunter22"]);
    }

    #[test]
    fn urls_without_a_real_password_stay() {
        for text in [
            "https://user:password@example.com",
            "https://user:PASSWORD@example.com",
            "https://user:your_password@example.com",
            "https://user:<secret>@example.com",
            "https://user:$PASS@example.com",
            "https://user:${PASS}@example.com",
            "https://user:{pass}@example.com",
            "https://user:***@example.com",
            "https://user:xxxx@example.com",
            "https://postgres:postgres@localhost",
            "https://user@example.com",
            "https://example.com:8080/@user",
            "https://example.com:8080/a:b@c",
            "https://user:abcdef@ example.com",
            "://user:abcdef@example.com",
            "http://medium.com/@user:abc",
        ] {
            check(text, &[]);
        }
    }
}
