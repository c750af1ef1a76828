use super::*;

const BASE: &str = "http://a.org/b/c/d?q";

fn check(base: &str, reference: &str, expected: Option<&str>) {
    let base = resolve(None, base);
    let resolved = resolve(base.as_ref(), reference).map(|address| address.to_string());
    assert_eq!(resolved.as_deref(), expected, "{reference:?}");
}

/// RFC 3986, section 5.4, with the fragment left out.
#[test]
fn references_of_the_rfc_resolve() {
    for (reference, expected) in [
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g/"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q"),
        ("g#s", "http://a/b/c/g"),
        ("g?y#s", "http://a/b/c/g?y"),
        (";x", "http://a/b/c/;x"),
        ("g;x", "http://a/b/c/g;x"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../", "http://a/"),
        ("../../g", "http://a/g"),
        ("../../../g", "http://a/g"),
        ("../../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        (".g", "http://a/b/c/.g"),
        ("g..", "http://a/b/c/g.."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/./h", "http://a/b/c/g/h"),
        ("g/../h", "http://a/b/c/h"),
        ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/./x", "http://a/b/c/g?y/./x"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("http:g", "http://a/b/c/g"),
    ] {
        check("http://a/b/c/d;p?q", reference, Some(expected));
    }
}

#[test]
fn browsers_forgive() {
    check(BASE, " \n/a b.jpg\t", Some("http://a.org/a%20b.jpg"));
    check(BASE, "im\nages\\x.png", Some("http://a.org/b/c/images/x.png"));
    check(BASE, "\\\\cdn.org\\x", Some("http://cdn.org/x"));
    check(BASE, "http:/cdn.org/x", Some("http://a.org/cdn.org/x"));
    check(BASE, "https:/cdn.org/x", Some("https://cdn.org/x"));
    check(BASE, "https:cdn.org", Some("https://cdn.org/"));
    check(
        BASE,
        "HTTPS://CDN.org:443/%7e/%2E%2e/x",
        Some("https://cdn.org/x"),
    );
    check(
        BASE,
        "x?a='b c'&d=\"é\"",
        Some("http://a.org/b/c/x?a=%27b%20c%27&d=%22%C3%A9%22"),
    );
    check(
        BASE,
        "ü{1}^`.png",
        Some("http://a.org/b/c/%C3%BC%7B1%7D%5E%60.png"),
    );
    check(BASE, "100%.png", Some("http://a.org/b/c/100%.png"));
    check(BASE, "a//b///c", Some("http://a.org/b/c/a//b///c"));
    check(BASE, "a/b/", Some("http://a.org/b/c/a/b/"));
    check(BASE, "/a/..//b", Some("http://a.org//b"));
}

#[test]
fn hosts_are_lowered_and_written_in_ascii() {
    check(BASE, "//BÜCHER.example/x", Some("http://xn--bcher-kva.example/x"));
    check(BASE, "//例え.テスト", Some("http://xn--r8jz45g.xn--zckzah/"));
    check(BASE, "//пример。рф/", Some("http://xn--e1afmkfd.xn--p1ai/"));
    check(BASE, "//u\u{308}.org", Some("http://xn--tda.org/"));
    check(BASE, "//a%2Eorg/", Some("http://a.org/"));
    check(BASE, "//me:x@a.org:8080/", Some("http://me:x@a.org:8080/"));
    check(BASE, "//a.org:/", Some("http://a.org/"));
    check(BASE, "//[::1]:81/", Some("http://[::1]:81/"));
    check(BASE, "//127.0.0.1/", Some("http://127.0.0.1/"));
}

#[test]
fn what_is_no_address_of_the_web_is_none() {
    for reference in [
        "data:image/gif;base64,R0lGODlh",
        "javascript:void(0)",
        "blob:http://a.org/x",
        "mailto:a@b.org",
        "about:blank",
        "ftp://a.org/x",
        "http://",
        "http:///",
        "//a b/",
        "//a%00b/",
        "//a:99999/",
        "//a:b/",
        "//[::g]/",
        "//1.2.3/",
        "//1.2.3.400/",
        "//a|b/",
    ] {
        check(BASE, reference, None);
    }
    check("", "x.png", None);
    check("not an address", "x.png", None);
    check(BASE, &"x".repeat(LONGEST + 1), None);
    check(BASE, &format!("//{}.org/", "é".repeat(60)), None);
}

#[test]
fn spellings_of_one_resource_share_a_key() {
    let key = resource_key("https://example.com/a/c~d?x=%2F%C3%A9");
    for spelling in [
        " http://EXAMPLE.com:80/a/./b/../c~d?x=%2f%c3%a9#part ",
        "HTTPS://example.com:443/a/c%7Ed?x=%2Fé",
        "https://example.com/a/%63%7ed?x=%2F%C3%a9",
    ] {
        assert_eq!(resource_key(spelling), key, "{spelling}");
    }
}

#[test]
fn other_resources_have_other_keys() {
    let spellings = [
        "https://example.com/a",
        "https://www.example.com/a",
        "https://example.com/A",
        "https://example.com/a/",
        "https://example.com/a?",
        "https://example.com/a?utm_source=x",
        "https://example.com/a?x=1&y=2",
        "https://example.com/a?y=2&x=1",
        "https://example.com:8443/a",
        "https://example.com/a%2Fb",
        "https://example.com/a/b",
        "ftp://example.com/a",
        "not an address",
        "",
    ];
    let keys: std::collections::HashSet<u128> =
        spellings.iter().map(|spelling| resource_key(spelling)).collect();
    assert_eq!(keys.len(), spellings.len());
}

#[test]
fn the_key_is_a_hash_of_the_normal_form() {
    assert_eq!(resource_key("http://a.org"), xxh3_128(b"https://a.org/"));
    assert_eq!(resource_key(" x "), xxh3_128(b"x"));
}

#[test]
fn the_host_stands_alone() {
    let host = |address: &str| resolve(None, address).unwrap().host().to_owned();
    assert_eq!(host("http://me@a.org:81/x"), "a.org");
    assert_eq!(host("http://[::1]/"), "[::1]");
    assert_eq!(host("http://a.org"), "a.org");
}
