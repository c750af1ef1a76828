//! Addresses on the web: references made absolute, and the key by which two spellings of one address are found.
//!
//! [`resolve`] follows the URL Standard as far as `http` and `https` go: white space around a reference and line
//! breaks within it are dropped, `\` counts as `/`, scheme and host are lower case, a host of other scripts is Punycode,
//! a default port goes, dot segments are taken out, what may not stand in a path or query is percent-encoded as UTF-8.
//! The fragment goes: it names a place within what is fetched. Other than the standard, hosts are lowered and composed
//! (NFC) without the mappings of UTS #46, IPv4 addresses in other notations than four decimal numbers are no hosts, and
//! queries are UTF-8 whatever the page is written in.
//!
//! References longer than [`LONGEST`] bytes are not read.

mod punycode;

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use xxhash_rust::xxh3::xxh3_128;

/// The longest reference that is read, in bytes. Servers refuse longer ones, and `data:` never gets here.
const LONGEST: usize = 4096;

/// An absolute address with the scheme `http` or `https`, without fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    is_https: bool,
    /// `[user@]host[:port]`
    authority: String,
    /// Begins with `/`.
    path: String,
    query: Option<String>,
}

/// A reference as it is written in a page, made absolute. `None` if it is none, of another scheme, or relative where
/// there is no base.
pub(crate) fn resolve(base: Option<&Address>, reference: &str) -> Option<Address> {
    let reference = reference.trim_matches(|c: char| c <= ' ');
    if reference.len() > LONGEST {
        return None;
    }
    let kept;
    let reference = if reference.contains(['\t', '\n', '\r']) {
        kept = reference.replace(['\t', '\n', '\r'], "");
        kept.as_str()
    } else {
        reference
    };
    let reference = reference.split('#').next().unwrap_or_default();
    let Some((scheme, rest)) = split_scheme(reference) else {
        return relative(base?, reference);
    };
    let is_https = scheme.eq_ignore_ascii_case("https");
    if !is_https && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    match base {
        // `https:a/b` is relative where the base has that scheme.
        Some(base) if base.is_https == is_https && !begins_authority(rest) => relative(base, rest),
        _ => absolute(is_https, rest.trim_start_matches(is_slash)),
    }
}

/// A key that equal addresses share: xxh3-128 of the normal form.
///
/// Normal is what `resolve` makes of an absolute address, with `http` as `https`, escapes of letters, digits and `-._~`
/// undone and the others in upper case. The query stays as it is, trackers included, and so do `www.` and a slash at the
/// end: what differs there may be another file. Whatever is no address has the key of its text, trimmed.
pub fn resource_key(address: &str) -> u128 {
    match resolve(None, address) {
        Some(address) => xxh3_128(address.normal().as_bytes()),
        None => xxh3_128(address.trim().as_bytes()),
    }
}

impl Address {
    fn normal(&self) -> String {
        let mut out = String::with_capacity(self.authority.len() + self.path.len() + 16);
        out.push_str("https://");
        out.push_str(&self.authority);
        normalise_escapes(&self.path, &mut out);
        if let Some(query) = &self.query {
            out.push('?');
            normalise_escapes(query, &mut out);
        }
        out
    }

    /// The host, without user and port.
    pub(crate) fn host(&self) -> &str {
        let host = self
            .authority
            .rsplit_once('@')
            .map_or(self.authority.as_str(), |(_, host)| host);
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        }
    }

    /// The path, which begins with `/`.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)?;
        match &self.query {
            Some(query) => write!(f, "?{query}"),
            None => Ok(()),
        }
    }
}

fn is_slash(character: char) -> bool {
    matches!(character, '/' | '\\')
}

fn begins_authority(rest: &str) -> bool {
    rest.chars().take(2).filter(|&c| is_slash(c)).count() == 2
}

fn split_scheme(reference: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = reference.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some((scheme, rest))
}

/// Reads what follows `scheme://`.
fn absolute(is_https: bool, rest: &str) -> Option<Address> {
    let end = rest.find(['/', '\\', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let (path, query) = split_query(rest);
    Some(Address {
        is_https,
        authority: read_authority(authority, is_https)?,
        path: join_path("/", path),
        query: query.map(encode_query),
    })
}

fn relative(base: &Address, reference: &str) -> Option<Address> {
    if begins_authority(reference) {
        return absolute(base.is_https, reference.trim_start_matches(is_slash));
    }
    let (path, query) = split_query(reference);
    let mut address = base.clone();
    if !path.is_empty() {
        address.path = join_path(&base.path, path);
    }
    if !path.is_empty() || query.is_some() {
        address.query = query.map(encode_query);
    }
    Some(address)
}

fn split_query(rest: &str) -> (&str, Option<&str>) {
    rest.split_once('?')
        .map_or((rest, None), |(path, query)| (path, Some(query)))
}

/// `[user@]host[:port]` in its normal form.
fn read_authority(authority: &str, is_https: bool) -> Option<String> {
    let (user, host) = authority
        .rsplit_once('@')
        .map_or((None, authority), |(user, host)| (Some(user), host));
    let port_at = match host.rfind(']') {
        Some(end) => host[end..].find(':').map(|at| end + at),
        None => host.find(':'),
    };
    let (host, port) = port_at.map_or((host, ""), |at| (&host[..at], &host[at + 1..]));
    let mut out = String::with_capacity(authority.len());
    if let Some(user) = user.filter(|user| !user.is_empty() && *user != ":") {
        encode(user, |byte| b"\"#<>?`{}/;=@[\\]^| '".contains(&byte), &mut out);
        out.push('@');
    }
    push_host(host, &mut out)?;
    if !port.is_empty() {
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let port: u16 = port.parse().ok()?;
        if port != if is_https { 443 } else { 80 } {
            out.push(':');
            out.push_str(&port.to_string());
        }
    }
    Some(out)
}

fn push_host(host: &str, out: &mut String) -> Option<()> {
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']')?;
        let address: std::net::Ipv6Addr = inner.parse().ok()?;
        out.push_str(&format!("[{address}]"));
        return Some(());
    }
    let decoded = decode_escapes(host)?;
    let start = out.len();
    if decoded.is_ascii() {
        out.push_str(&decoded.to_ascii_lowercase());
    } else {
        let lower: String = decoded
            .chars()
            .filter(|character| !matches!(character, '\u{ad}' | '\u{200b}' | '\u{200c}' | '\u{200d}'))
            .flat_map(char::to_lowercase)
            .nfc()
            .collect();
        for (number, label) in lower.split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']).enumerate() {
            if number > 0 {
                out.push('.');
            }
            punycode::push_label(label, out)?;
        }
    }
    let host = &out[start..];
    let is_forbidden = |byte: u8| byte <= b' ' || b"#/:<>?@[\\]^|%\x7f".contains(&byte);
    if host.is_empty() || host.bytes().any(is_forbidden) || host.len() > 253 + 1 {
        return None;
    }
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && host.parse::<std::net::Ipv4Addr>().is_err() {
        return None;
    }
    Some(())
}

/// Escapes undone; `None` if that is no UTF-8.
fn decode_escapes(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match escape(&bytes[at..]) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).ok()
}

/// The byte that an escape at the start of `bytes` stands for.
fn escape(bytes: &[u8]) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|&byte| (byte as char).to_digit(16));
    (bytes.first() == Some(&b'%')).then_some(())?;
    Some((digit(1)? * 16 + digit(2)?) as u8)
}

/// The path of `reference` seen from `base`, without dot segments, encoded.
fn join_path(base: &str, reference: &str) -> String {
    let mut out = String::with_capacity(base.len() + reference.len());
    if !reference.starts_with(is_slash) {
        let folder = base.rfind('/').unwrap_or(0);
        out.push_str(&base[..folder]);
    }
    let reference = reference.strip_prefix(is_slash).unwrap_or(reference);
    let mut segments = reference.split(is_slash).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match dots(segment) {
            1 if is_last => out.push('/'),
            1 => {}
            2 => {
                out.truncate(out.rfind('/').unwrap_or(0));
                if is_last {
                    out.push('/');
                }
            }
            _ => {
                out.push('/');
                encode(segment, |byte| b" \"#<>?^`{}".contains(&byte), &mut out);
            }
        }
    }
    out
}

/// 1 for `.`, 2 for `..`, however they are written, 0 for other segments.
fn dots(segment: &str) -> usize {
    let mut rest = segment;
    let mut count = 0;
    while !rest.is_empty() {
        let length = match rest.as_bytes() {
            [b'.', ..] => 1,
            [b'%', b'2', b'e' | b'E', ..] => 3,
            _ => return 0,
        };
        rest = &rest[length..];
        count += 1;
        if count > 2 {
            return 0;
        }
    }
    count
}

fn encode_query(query: &str) -> String {
    let mut out = String::with_capacity(query.len());
    encode(query, |byte| b" \"#<>'".contains(&byte), &mut out);
    out
}

/// Appends text with control characters, what is not ASCII, and what `is_encoded` escaped.
fn encode(text: &str, is_encoded: impl Fn(u8) -> bool, out: &mut String) {
    for byte in text.bytes() {
        if !(b' '..0x7f).contains(&byte) || is_encoded(byte) {
            push_escape(byte, out);
        } else {
            out.push(byte as char);
        }
    }
}

fn push_escape(byte: u8, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(DIGITS[usize::from(byte >> 4)] as char);
    out.push(DIGITS[usize::from(byte & 15)] as char);
}

/// Appends encoded text, which is ASCII, with escapes that need not be undone and the others in upper case.
fn normalise_escapes(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match escape(&bytes[at..]) {
            Some(byte) => {
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    out.push(byte as char);
                } else {
                    push_escape(byte, out);
                }
                at += 3;
            }
            None => {
                out.push(bytes[at] as char);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
