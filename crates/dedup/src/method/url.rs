//! Copies by address: the same page, fetched more than once.
//!
//! Addresses are compared after normalisation. Of the WHATWG's parse and serialisation come the lower-case scheme and
//! host, punycode, default ports and dot segments. On top of it: `http` counts as `https`, a leading `www.` of the host
//! goes, the fragment goes, query parameters of trackers go ([`TRACKERS`]), the other parameters are sorted, and empty
//! queries and one slash at the end of the path go. The key is xxh3-128 of the result. What is no address is compared as it is
//! written; null and white space have no key.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray};
use gristmill_core::{Card, Cost, Result, Setting, Settings, columns};
use xxhash_rust::xxh3::xxh3_128;

use super::{Dedup, Fingerprint, Keys, Method, Verdict, exact::halves};
use crate::CLUSTER_COLUMNS;

/// Describes [`Url`].
pub(crate) static CARD: Card = Card {
    name: "url",
    about: "documents of one address, normalised",
    inputs: &[columns::URL],
    outputs: &CLUSTER_COLUMNS,
    source: "URL Standard, url.spec.whatwg.org; RFC 3986 section 6; parameters of trackers by their vendors' documentation",
    cost: Cost::Cheap,
    version: 1,
};

/// Parameters that tell where a visitor came from and change nothing of the page; `*` stands for any ending.
const TRACKERS: [&str; 16] = [
    "utm_*", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "fbclid", "msclkid", "twclid", "yclid",
    "igshid", "mc_cid", "mc_eid", "_ga", "_gl", "_hsenc",
];

/// Keys by address.
#[derive(Debug)]
pub(crate) struct Url;

impl Method for Url {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn settings(&self) -> &'static [Setting] {
        &[]
    }

    fn with(&self, _: &Settings) -> Result<Dedup, String> {
        Ok(Dedup::Whole(Arc::new(Url)))
    }
}

impl Fingerprint for Url {
    fn key_columns(&self) -> usize {
        2
    }

    fn columns_per_band(&self) -> usize {
        2
    }

    fn keys(&self, inputs: &[ArrayRef]) -> Result<Keys> {
        let content = &inputs[0];
        let urls = content.as_string_view().iter();
        let keys: Vec<_> = urls
            .map(|url| url.filter(|url| !url.trim().is_empty()))
            .map(|url| url.map(|url| xxh3_128(normalised(url).as_bytes())))
            .collect();
        Ok(Keys {
            columns: halves(&keys),
            evidence: None,
        })
    }

    fn verdict(&self) -> Verdict {
        Verdict::Equal
    }
}

fn normalised(address: &str) -> String {
    let Ok(mut url) = url::Url::parse(address.trim()) else {
        return address.to_owned();
    };
    url.set_fragment(None);
    let is_tracker = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        let is_named = |tracker: &&str| match tracker.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == *tracker,
        };
        TRACKERS.iter().any(is_named)
    };
    let query = url.query().map(|query| {
        let mut pairs: Vec<&str> = query
            .split('&')
            .filter(|pair| !pair.is_empty() && !is_tracker(pair))
            .collect();
        pairs.sort_unstable();
        pairs.join("&")
    });
    url.set_query(query.as_deref().filter(|query| !query.is_empty()));
    let text = url.as_str();
    let Some(rest) = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))
    else {
        return text.to_owned();
    };
    let rest = rest.strip_prefix("www.").unwrap_or(rest);
    let (path, query) = rest
        .split_once('?')
        .map_or((rest, None), |(path, query)| (path, Some(query)));
    let path = path.strip_suffix('/').unwrap_or(path);
    match query {
        Some(query) => format!("https://{path}?{query}"),
        None => format!("https://{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expected: &str) {
        assert_eq!(normalised(address), expected, "{address}");
    }

    #[test]
    fn spellings_of_one_address_are_one() {
        check("HTTP://www.Example.COM:80/a/./b/../c/", "https://example.com/a/c");
        check("https://example.com", "https://example.com");
        check("https://example.com/?", "https://example.com");
        check("http://bücher.example/x#part", "https://xn--bcher-kva.example/x");
    }

    #[test]
    fn parameters_are_sorted_and_trackers_go() {
        check(
            "https://example.com/p?b=2&utm_source=x&a=1&fbclid=y",
            "https://example.com/p?a=1&b=2",
        );
        check("https://example.com/p/?gclid=1", "https://example.com/p");
    }

    #[test]
    fn other_schemes_and_nonsense_stay() {
        check("ftp://www.example.com/a/", "ftp://www.example.com/a/");
        check("not an address", "not an address");
        check("", "");
    }

    #[test]
    fn paths_and_values_keep_their_case() {
        check("https://example.com/A?Q=B", "https://example.com/A?Q=B");
    }
}
