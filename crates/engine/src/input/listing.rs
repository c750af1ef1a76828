//! Lists the objects that addresses match.

use std::{
    collections::{BTreeSet, HashSet},
    fs::{self, Metadata},
    path::{Path as FsPath, PathBuf},
    sync::Arc,
    time::UNIX_EPOCH,
};

use globset::{GlobBuilder, GlobMatcher};
use gristmill_shard::layout;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, path::Path};
use tokio::runtime::Handle;

use super::{Found, Input, Location, Reading, Snapshot};
use crate::{
    Error, Result, StoreOptions,
    address::{Address, open_remote},
    recipe::ReadEntry,
};

/// How the version of an object begins whose store gives no entity tag.
pub(super) const MODIFIED: &str = "modified ";

const WILDCARDS: [char; 4] = ['*', '?', '[', '{'];

/// Lists the objects of all addresses.
///
/// # Errors
/// When an address matches nothing, or its store cannot be listed.
pub(crate) async fn list(entries: &[ReadEntry], options: &StoreOptions, io: &Handle) -> Result<Input> {
    let mut listed: Vec<(Listed, Arc<Reading>)> = Vec::new();
    let mut roots = Vec::new();
    for entry in entries {
        let reading = Arc::new(Reading {
            format: entry.format.clone(),
            fields: entry.fields.clone(),
            slice_bytes: entry.slice_bytes,
            record_bytes: entry.record_bytes,
        });
        let address = Address::parse(&entry.uri)?;
        let found = match &address {
            Address::Local(path) => list_local(path, &entry.uri)?,
            Address::Remote { root, key } => {
                list_remote(open_remote(root, options, io)?, root, key, &entry.uri).await?
            }
        };
        if found.is_empty() {
            let is_one = matches!(&address, Address::Remote { .. }) && !entry.uri.contains(WILDCARDS);
            let hint = if is_one {
                "; a folder ends with `/`, and `*` stands for any name"
            } else {
                ""
            };
            return Err(Error::Input(format!("nothing matches {}{hint}", entry.uri)));
        }
        roots.push(fixed_folder(&address, &entry.uri));
        listed.extend(found.into_iter().map(|object| (object, reading.clone())));
    }
    let base = common_folder(&roots);
    let mut seen = HashSet::new();
    let mut objects: Vec<Found> = Vec::new();
    for (object, reading) in listed {
        if seen.insert(object.address.clone()) {
            let uri = object
                .address
                .strip_prefix(&base)
                .unwrap_or(&object.address)
                .to_owned();
            let snapshot = Snapshot {
                uri,
                bytes: object.bytes,
                version: object.version,
            };
            objects.push(Found {
                snapshot,
                location: object.location,
                reading,
            });
        }
    }
    Ok(Input { base, objects })
}

struct Listed {
    /// The full address, with scheme and bucket if it has them.
    address: String,
    bytes: u64,
    version: String,
    location: Location,
}

/// The address up to the last `/` before any wildcard.
fn fixed_folder(address: &Address, uri: &str) -> String {
    let text = match address {
        Address::Local(path) if path.is_dir() => format!("{}/", path.display()),
        Address::Local(path) if path.is_file() => path.display().to_string(),
        Address::Local(path) => return format!("{}/", Pattern::new(path, uri).folder.display()),
        Address::Remote { root, key } => format!("{root}/{key}"),
    };
    let fixed = &text[..text.find(WILDCARDS).unwrap_or(text.len())];
    fixed[..=fixed.rfind('/').unwrap_or(0)].to_owned()
}

/// A local path with wildcards.
struct Pattern {
    /// The deepest folder without a wildcard.
    folder: PathBuf,
    /// The whole path as a pattern. Only what the user wrote is one: the folder in which the command runs may have
    /// brackets in its name.
    glob: String,
}

impl Pattern {
    fn new(path: &FsPath, uri: &str) -> Self {
        let user = uri.strip_prefix("file://").unwrap_or(uri);
        let (here, rest) = if FsPath::new(user).is_absolute() {
            (String::new(), path.display().to_string())
        } else {
            let here = std::env::current_dir().unwrap_or_default();
            let rest = path.strip_prefix(&here).unwrap_or(path);
            (format!("{}/", here.display()), rest.display().to_string())
        };
        let fixed = &rest[..rest.find(WILDCARDS).unwrap_or(rest.len())];
        let folder = format!(
            "{here}{}",
            &fixed[..fixed.rfind('/').map_or(0, |slash| slash + 1)]
        );
        Pattern {
            folder: PathBuf::from(
                folder
                    .strip_suffix('/')
                    .filter(|f| !f.is_empty())
                    .unwrap_or(&folder),
            ),
            glob: format!("{}{rest}", globset::escape(&here)),
        }
    }
}

/// Refuses an output that lies among what is read: a later attempt would find it as new input.
///
/// # Errors
/// When an entry covers the output.
pub(crate) fn keep_apart(entries: &[ReadEntry], to: &str) -> Result<()> {
    let Address::Local(to) = Address::parse(to)? else {
        return Ok(());
    };
    for entry in entries {
        let Address::Local(path) = Address::parse(&entry.uri)? else {
            continue;
        };
        let covers = if path.exists() {
            path.is_dir() && to.starts_with(&path)
        } else {
            matcher(&Pattern::new(&path, &entry.uri).glob, &entry.uri)?.is_match(to.join(layout::PLAN))
        };
        if covers {
            return Err(Error::Input(format!(
                "{} lies among what {} reads; write to another folder, or name the input more narrowly",
                to.display(),
                entry.uri
            )));
        }
    }
    Ok(())
}

/// The deepest folder that holds all of these folders; empty if they are in several stores.
fn common_folder(folders: &[String]) -> String {
    let Some((first, rest)) = folders.split_first() else {
        return String::new();
    };
    let shared = rest.iter().fold(first.len(), |shared, folder| {
        first
            .bytes()
            .zip(folder.bytes())
            .take(shared)
            .take_while(|(a, b)| a == b)
            .count()
    });
    let shared = first.as_bytes()[..shared]
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(0, |slash| slash + 1);
    let root = first.find("://").map_or(0, |scheme| {
        scheme + 3 + first[scheme + 3..].find('/').unwrap_or(0) + 1
    });
    if shared < root {
        String::new()
    } else {
        first[..shared].to_owned()
    }
}

fn matcher(pattern: &str, uri: &str) -> Result<GlobMatcher> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| {
            Error::Input(format!(
                "the wildcards of {uri} cannot be understood: {}",
                error.kind()
            ))
        })
}

fn list_local(path: &FsPath, uri: &str) -> Result<Vec<Listed>> {
    let failed = |path: &FsPath, error: &std::io::Error| {
        Error::Input(format!("cannot read {}: {error}", path.display()))
    };
    let text = path.display().to_string();
    // A path that exists is that path, even if it has brackets in its name.
    let (pattern, root) = match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => return Ok(vec![listed_file(path.to_owned(), &metadata)?]),
        Ok(_) => (None, path.to_owned()),
        Err(_) if text.contains(WILDCARDS) => {
            let pattern = Pattern::new(path, uri);
            (Some(matcher(&pattern.glob, uri)?), pattern.folder)
        }
        Err(error) => return Err(failed(path, &error)),
    };
    if !root.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    // Links to folders come last, in order of their names: what was walked under its own name, or by an earlier link,
    // is not walked again.
    let (mut folders, mut links) = (vec![root], BTreeSet::new());
    let mut walked = HashSet::new();
    while let Some(folder) = folders.pop().or_else(|| links.pop_first()) {
        if !walked.insert(fs::canonicalize(&folder).map_err(|error| failed(&folder, &error))?) {
            continue;
        }
        for entry in fs::read_dir(&folder).map_err(|error| failed(&folder, &error))? {
            let path = entry.map_err(|error| failed(&folder, &error))?.path();
            let metadata = fs::metadata(&path).map_err(|error| failed(&path, &error))?;
            if metadata.is_dir() {
                if path.is_symlink() {
                    links.insert(path);
                } else {
                    folders.push(path);
                }
            } else if metadata.is_file() && pattern.as_ref().is_none_or(|pattern| pattern.is_match(&path)) {
                found.push(listed_file(path, &metadata)?);
            }
        }
    }
    found.sort_by(|a, b| a.address.cmp(&b.address));
    Ok(found)
}

fn listed_file(path: PathBuf, metadata: &Metadata) -> Result<Listed> {
    let Some(address) = path.to_str() else {
        return Err(Error::Input(format!(
            "the name of {} is not UTF-8; rename it, since rows say from which object they are",
            path.display()
        )));
    };
    Ok(Listed {
        address: address.to_owned(),
        bytes: metadata.len(),
        version: file_version(metadata),
        location: Location::File(path),
    })
}

/// The time of last change of a file, in nanoseconds since 1970.
pub(super) fn file_version(metadata: &Metadata) -> String {
    let changed = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!("mtime {}", changed.map_or(0, |time| time.as_nanos()))
}

/// The version of an object of a store: its entity tag, or when it last changed.
pub(super) fn store_version(meta: &ObjectMeta) -> String {
    let changed = || format!("{MODIFIED}{}", meta.last_modified.to_rfc3339());
    meta.e_tag.clone().unwrap_or_else(changed)
}

async fn list_remote(store: Arc<dyn ObjectStore>, root: &str, key: &str, uri: &str) -> Result<Vec<Listed>> {
    let failed = |error: object_store::Error| -> Error {
        gristmill_shard::Error::of_store(&error, format!("cannot list {uri}")).into()
    };
    let listed = |meta: ObjectMeta| Listed {
        address: format!("{root}/{}", meta.location),
        bytes: meta.size,
        version: store_version(&meta),
        location: Location::Store(store.clone(), meta.location),
    };
    let is_folder = key.is_empty() || key.ends_with('/');
    if !key.contains(WILDCARDS) && !is_folder {
        return match store.head(&Path::from(key)).await {
            Ok(meta) => Ok(vec![listed(meta)]),
            Err(object_store::Error::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(failed(error)),
        };
    }
    if root.starts_with("http") {
        return Err(Error::Input(format!(
            "cannot list {uri}: web servers do not list; name each object"
        )));
    }
    let fixed = &key[..key.find(WILDCARDS).unwrap_or(key.len())];
    let prefix = Path::from(&fixed[..fixed.rfind('/').map_or(0, |slash| slash + 1)]);
    let pattern = if is_folder { None } else { Some(matcher(key, uri)?) };
    let metas = gristmill_shard::list(store.as_ref(), &prefix)
        .await
        .map_err(failed)?;
    let mut found: Vec<Listed> = metas
        .into_iter()
        .filter(|meta| {
            pattern
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(meta.location.as_ref()))
        })
        .map(listed)
        .collect();
    found.sort_by(|a, b| a.address.cmp(&b.address));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_to_the_common_folder() {
        let common =
            |folders: &[&str]| common_folder(&folders.iter().map(|f| (*f).to_owned()).collect::<Vec<_>>());
        assert_eq!(common(&["/data/a/", "/data/ab/"]), "/data/");
        assert_eq!(common(&["s3://x/a/b/"]), "s3://x/a/b/");
        assert_eq!(common(&["s3://x/a/", "s3://x/b/"]), "s3://x/");
        assert_eq!(common(&["s3://x/a/", "s3://xy/a/"]), "");
        assert_eq!(common(&["s3://x/a/", "/a/"]), "");
    }

    #[test]
    fn wildcards_match_within_and_across_folders() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a/1.gz", "a/b/2.gz", "a/b/3.txt", "c.gz"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let names = |pattern: &str| {
            let path = folder.path().join(pattern);
            let found = list_local(&path, &path.display().to_string()).unwrap();
            let root = format!("{}/", folder.path().display());
            found
                .iter()
                .map(|f| f.address.strip_prefix(&root).unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names("*.gz"), ["c.gz"]);
        assert_eq!(names("**/*.gz"), ["a/1.gz", "a/b/2.gz", "c.gz"]);
        assert_eq!(names("a/*/{2,3}.*"), ["a/b/2.gz", "a/b/3.txt"]);
        assert_eq!(names("a"), ["a/1.gz", "a/b/2.gz", "a/b/3.txt"]);
        assert_eq!(names("none/*"), Vec::<String>::new());
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("4.gz"), "4").unwrap();
        let link =
            |to: &FsPath, name: &str| std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
        link(elsewhere.path(), "link");
        link(elsewhere.path(), "again");
        link(folder.path(), "a/circle");
        assert_eq!(names("**/*.gz"), ["a/1.gz", "a/b/2.gz", "again/4.gz", "c.gz"]);
    }
}
