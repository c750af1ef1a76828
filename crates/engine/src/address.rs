//! Addresses: paths and URIs, and the object stores behind them.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use gristmill_shard::Store;
use object_store::{
    ClientOptions, ObjectStore, RetryConfig, aws::AmazonS3Builder, azure::MicrosoftAzureBuilder,
    client::SpawnedReqwestConnector, gcp::GoogleCloudStorageBuilder, http::HttpBuilder,
    local::LocalFileSystem, path::Path,
};
use tokio::runtime::Handle;
use url::Url;

use crate::{Error, Result};

/// How object stores are reached.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Credentials and options as `(name, value)`; the command passes `AWS_*`, `GOOGLE_*` and `AZURE_*` of the
    /// environment.
    pub environment: Vec<(String, String)>,
    /// How often a request that failed in passing is tried again.
    pub retries: usize,
    /// Stores of the caller's own by scheme and authority, such as `memory://a`. Addresses below are theirs.
    pub own: BTreeMap<String, Arc<dyn ObjectStore>>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions {
            environment: Vec::new(),
            retries: 10,
            own: BTreeMap::new(),
        }
    }
}

/// An address that was understood: where it points, before any wildcard is matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// A path of this machine, absolute.
    Local(PathBuf),
    /// A URI with scheme and authority (`s3://bucket`), and the key in it.
    Remote { root: String, key: String },
}

impl Address {
    /// Understands a path, `file://` or a URI.
    pub(crate) fn parse(uri: &str) -> Result<Self> {
        let shown = shown(uri);
        if shown != uri {
            return Err(Error::Usage(format!(
                "the address {shown} holds a secret; give credentials in the environment (AWS_*, GOOGLE_*, AZURE_*)"
            )));
        }
        if let Some(path) = uri.strip_prefix("file://") {
            return Address::local(path);
        }
        match uri.split_once("://") {
            None => Address::local(uri),
            Some((scheme, rest)) => {
                let (authority, key) = rest.split_once('/').unwrap_or((rest, ""));
                if authority.is_empty() {
                    return Err(Error::Input(format!("the address {uri} names no bucket or host")));
                }
                Ok(Address::Remote {
                    root: format!("{scheme}://{authority}"),
                    key: key.to_owned(),
                })
            }
        }
    }

    fn local(path: &str) -> Result<Self> {
        std::path::absolute(path)
            .map(Address::Local)
            .map_err(|error| Error::Input(format!("cannot use the path {path:?}: {error}")))
    }
}

/// An address as it may be shown: with a cover over what may be a secret, a password before the host or a signature behind
/// the path. Other addresses stay as they are.
pub(crate) fn shown(uri: &str) -> String {
    const COVER: &str = "***";
    const SECRETS: [&str; 9] = [
        "x-amz-signature",
        "x-amz-credential",
        "x-amz-security-token",
        "x-goog-signature",
        "x-goog-credential",
        "signature",
        "sig",
        "token",
        "access_token",
    ];
    let Some((scheme, rest)) = uri.split_once("://") else {
        return uri.to_owned();
    };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };
    // A name and a password before the host. Passwords may hold slashes; what stands behind the colon of a host is a port, and a
    // container before its account has no colon.
    let is_secret = |user: &str| {
        let password = user
            .split('/')
            .next()
            .and_then(|authority| authority.split_once(':'));
        password.is_some_and(|(_, rest)| !user.contains('/') || rest.parse::<u16>().is_err())
    };
    let rest = match rest.rsplit_once('@') {
        Some((user, host)) if is_secret(user) => format!("{COVER}@{host}"),
        _ => rest.to_owned(),
    };
    let covered = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if SECRETS.contains(&name.to_ascii_lowercase().as_str()) => format!("{name}={COVER}"),
        _ => pair.to_owned(),
    };
    let query = query.map(|query| query.split('&').map(covered).collect::<Vec<_>>().join("&"));
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    format!("{scheme}://{rest}{query}")
}

/// Opens the store of a root such as `s3://bucket`.
pub(crate) fn open_remote(root: &str, options: &StoreOptions, io: &Handle) -> Result<Arc<dyn ObjectStore>> {
    if let Some(own) = options.own.get(root) {
        return Ok(own.clone());
    }
    let url = Url::parse(root)
        .map_err(|error| Error::Input(format!("the address {root} is not a URI: {error}")))?;
    let connector = SpawnedReqwestConnector::new(io.clone());
    let retry = RetryConfig {
        max_retries: options.retries,
        ..RetryConfig::default()
    };
    let lower = |prefix: &str| {
        let prefix = prefix.to_owned();
        options
            .environment
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .filter(move |(name, _)| name.starts_with(&prefix))
    };
    let store: object_store::Result<Arc<dyn ObjectStore>> = match url.scheme() {
        "s3" | "s3a" => {
            let mut builder = AmazonS3Builder::new()
                .with_url(root)
                .with_retry(retry)
                .with_http_connector(connector);
            for (name, value) in lower("aws_") {
                if let Ok(key) = name.parse() {
                    builder = builder.with_config(key, value);
                }
            }
            builder.build().map(|store| Arc::new(store) as _)
        }
        "gs" => {
            let mut builder = GoogleCloudStorageBuilder::new()
                .with_url(root)
                .with_retry(retry)
                .with_http_connector(connector);
            for (name, value) in lower("google_") {
                if let Ok(key) = name.parse() {
                    builder = builder.with_config(key, value);
                }
            }
            builder.build().map(|store| Arc::new(store) as _)
        }
        "az" | "abfs" | "abfss" | "adl" => {
            let mut builder = MicrosoftAzureBuilder::new()
                .with_url(root)
                .with_retry(retry)
                .with_http_connector(connector);
            for (name, value) in lower("azure_") {
                if let Ok(key) = name.parse() {
                    builder = builder.with_config(key, value);
                }
            }
            builder.build().map(|store| Arc::new(store) as _)
        }
        "http" | "https" => {
            let client = ClientOptions::new().with_allow_http(url.scheme() == "http");
            HttpBuilder::new()
                .with_url(root)
                .with_client_options(client)
                .with_retry(retry)
                .with_http_connector(connector)
                .build()
                .map(|store| Arc::new(store) as _)
        }
        other => {
            return Err(Error::Input(format!(
                "the address {root} has the unknown scheme {other:?}"
            )));
        }
    };
    store.map_err(|error| gristmill_shard::Error::of_store(&error, format!("cannot open {root}")).into())
}

/// Opens an output address.
///
/// # Errors
/// When the address cannot be understood or its store cannot be opened.
pub(crate) fn open_output(uri: &str, options: &StoreOptions, io: &Handle) -> Result<Store> {
    match Address::parse(uri)? {
        Address::Local(path) => {
            let prefix = Path::from_absolute_path(&path)
                .map_err(|error| Error::Failed(format!("cannot write to {}: {error}", path.display())))?;
            Ok(Store::new(Arc::new(LocalFileSystem::new()), prefix, uri).in_folder(path))
        }
        Address::Remote { root, key } => {
            if root.starts_with("http") {
                return Err(Error::Failed(format!(
                    "cannot write to {uri}: http addresses are for reading; write to a path, s3://, gs:// or az://"
                )));
            }
            Ok(Store::new(open_remote(&root, options, io)?, Path::from(key), uri))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_addresses_are_covered() {
        for (uri, expected) in [
            ("s3://key:secret@bucket/a", "s3://***@bucket/a"),
            ("s3://key:sec/re+t@bucket/a", "s3://***@bucket/a"),
            ("http://host:9000/a@b", "http://host:9000/a@b"),
            (
                "https://h/a.gz?x=1&X-Amz-Signature=secret&y",
                "https://h/a.gz?x=1&X-Amz-Signature=***&y",
            ),
            ("az://c/a?sv=2&sig=secret", "az://c/a?sv=2&sig=***"),
            (
                "abfss://container@account.dfs.core.windows.net/a",
                "abfss://container@account.dfs.core.windows.net/a",
            ),
            ("a/b@c:d?sig=e", "a/b@c:d?sig=e"),
        ] {
            assert_eq!(shown(uri), expected);
            assert_eq!(Address::parse(uri).is_err(), shown(uri) != uri);
        }
    }

    #[test]
    fn a_uri_has_a_root_and_a_key() {
        let address = Address::parse("s3://bucket/a/b.warc.gz").unwrap();
        assert_eq!(
            address,
            Address::Remote {
                root: "s3://bucket".into(),
                key: "a/b.warc.gz".into()
            }
        );
        assert!(Address::parse("s3:///a").is_err());
        assert!(matches!(Address::parse("a/b").unwrap(), Address::Local(path) if path.is_absolute()));
    }
}
