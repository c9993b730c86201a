//! The static files of the page, built in or from a folder.

use std::{
    borrow::Cow,
    path::{Component, Path, PathBuf},
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, AcceptEncoding, ETag, Encoding, EntityTag, Header, IfNoneMatch},
    web::Bytes,
};
use percent_encoding::percent_decode_str;

use crate::http::response::plain;

/// A file of the page in the program itself, as `build.rs` writes it into [`BUILT_IN`].
struct BuiltIn {
    /// Relative to the root.
    path: &'static str,
    /// Of its bytes.
    hash: &'static str,
    bytes: &'static [u8],
    /// Compressed when the program was built, if that makes it smaller.
    gzip: Option<&'static [u8]>,
}

/// Sorted by path.
static BUILT_IN: &[BuiltIn] = include!(concat!(env!("OUT_DIR"), "/built_in.rs"));

/// The file that is served at `/`.
const INDEX: &str = "monitoring.html";

/// The file that the operator may replace by [`OWN_CONFIG`].
const DEFAULT_CONFIG: &str = "monitoring-default-config.js";

/// The operator's copy of the page's default configuration, installed by the packages.
const OWN_CONFIG: &str = "/etc/rtstat/monitoring-default-config.js";

/// Where the page's files come from.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    /// A folder in place of the built-in copy.
    pub folder: Option<PathBuf>,
    /// Whether the configuration is invalid. Every request is then answered 503.
    pub misconfigured: bool,
    /// Whether `/metrics` is served.
    pub metrics: bool,
}

/// A file to serve.
struct File {
    /// Names this version of it, as an entity tag does.
    version: String,
    bytes: Bytes,
    /// The same bytes, compressed.
    gzip: Option<Bytes>,
}

/// One of the forms in which a file can be sent.
struct Representation {
    bytes: Bytes,
    /// Each form has its own: a cache must not take one for another.
    tag: EntityTag,
    encoding: Encoding,
}

impl File {
    /// The form that a client gets which accepts `encoding` best.
    fn represent(self, encoding: &Encoding) -> Representation {
        match self.gzip {
            Some(bytes) if *encoding == Encoding::gzip() => Representation {
                bytes,
                tag: EntityTag::new_strong(format!("{}-gzip", self.version)),
                encoding: Encoding::gzip(),
            },
            _ => Representation {
                bytes: self.bytes,
                tag: EntityTag::new_strong(self.version),
                encoding: Encoding::identity(),
            },
        }
    }
}

impl Pages {
    /// The file at a decoded URL path; none where the root holds no such file.
    fn find(&self, path: &str) -> Option<File> {
        let path = path.trim_start_matches('/');
        let path = if path.is_empty() { INDEX } else { path };
        if !inside(path) {
            return None;
        }
        match &self.folder {
            Some(folder) => read(&folder.canonicalize().ok()?, path),
            None if path == DEFAULT_CONFIG => {
                read_file(Path::new(OWN_CONFIG)).or_else(|| built_in(path))
            }
            None => built_in(path),
        }
    }
}

/// A URL path without its percent escapes (RFC 3986 §2.1); none where they give no text. The
/// router's own decoding leaves `%25`, `%2B` and `%2F` as they are, so that such names could not be
/// asked for.
fn decoded(path: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(path).decode_utf8().ok()
}

/// Whether the text of a relative path stays below its root.
fn inside(path: &str) -> bool {
    !path.contains(['\\', '\0'])
        && Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(name) if !hidden(name)))
}

fn hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().first() == Some(&b'.')
}

fn built_in(path: &str) -> Option<File> {
    let place = BUILT_IN
        .binary_search_by_key(&path, |file| file.path)
        .ok()?;
    let file = BUILT_IN.get(place)?;
    Some(File {
        version: file.hash.to_owned(),
        bytes: Bytes::from_static(file.bytes),
        gzip: file.gzip.map(Bytes::from_static),
    })
}

/// Reads a file of the folder; none where a symbolic link leads out of the folder.
fn read(folder: &Path, path: &str) -> Option<File> {
    let path = folder.join(path).canonicalize().ok()?;
    path.starts_with(folder).then(|| read_file(&path))?
}

fn read_file(path: &Path) -> Option<File> {
    let data = std::fs::metadata(path)
        .ok()
        .filter(std::fs::Metadata::is_file)?;
    let modified = data
        .modified()
        .ok()?
        .duration_since(std::time::UNIX_EPOCH)
        .ok()?;
    Some(File {
        version: format!("{:x}-{:x}", data.len(), modified.as_nanos()),
        bytes: std::fs::read(path).ok()?.into(),
        gzip: None,
    })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" | "webmanifest" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// The response to a GET or HEAD request.
pub(super) fn serve(pages: &Pages, request: &HttpRequest) -> HttpResponse {
    let Some(path) = decoded(request.uri().path()) else {
        return not_found(pages);
    };
    let Some(file) = pages.find(&path) else {
        return not_found(pages);
    };
    let varies = file.gzip.is_some();
    let form = file.represent(&best_encoding(request));
    let known = IfNoneMatch::parse(request).is_ok_and(|known| match known {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|tag| tag.weak_eq(&form.tag)),
    });
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header(ETag(form.tag))
        .insert_header((header::CACHE_CONTROL, "no-cache"));
    if varies {
        response.insert_header((header::VARY, header::ACCEPT_ENCODING.as_str()));
    }
    if known {
        return response.finish();
    }
    if form.encoding != Encoding::identity() {
        response.insert_header((header::CONTENT_ENCODING, form.encoding.to_string()));
    }
    response.insert_header((
        header::CONTENT_TYPE,
        content_type(if path == "/" { INDEX } else { &path }),
    ));
    response.body(form.bytes)
}

/// What the client likes best of what we have. One that says nothing, or nothing that can be read,
/// gets the plain bytes, as does one that accepts neither.
fn best_encoding(request: &HttpRequest) -> Encoding {
    let ours = [Encoding::gzip(), Encoding::identity()];
    AcceptEncoding::parse(request)
        .ok()
        .and_then(|accepted| accepted.negotiate(ours.iter()))
        .unwrap_or_else(Encoding::identity)
}

fn not_found(pages: &Pages) -> HttpResponse {
    let mut response = HttpResponse::NotFound();
    match pages.find("404.html") {
        Some(file) => {
            response.insert_header((header::CONTENT_TYPE, content_type("404.html")));
            response.body(file.bytes)
        }
        None => plain(response, "there is no such file here; the page is at /\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_once() {
        for (path, expected) in [
            ("/a%20b", Some("/a b")),
            ("/%2525", Some("/%25")),
            ("/%2e%2E%2fx", Some("/../x")),
            ("/%c3%a9+", Some("/é+")),
            ("/%ff", None),
            ("/%2", Some("/%2")),
            ("/%", Some("/%")),
            ("/%+1", Some("/%+1")),
        ] {
            assert_eq!(decoded(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn paths_stay_inside() {
        for (path, expected) in [
            ("monitoring.html", true),
            ("js/main.js", true),
            ("../etc/passwd", false),
            ("js/../../etc/passwd", false),
            ("/etc/passwd", false),
            ("js\\..\\x", false),
            (".git/config", false),
            ("js/.hidden", false),
            ("a\0b", false),
        ] {
            assert_eq!(inside(path), expected, "{path}");
        }
    }

    #[test]
    fn a_folder_is_not_left_through_links() {
        let dir = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(dir.path().join("a.html"), "here").unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("b.html")).unwrap();
        let pages = Pages {
            folder: Some(dir.path().into()),
            ..Pages::default()
        };
        assert_eq!(
            pages.find("/a.html").map(|file| file.bytes),
            Some(Bytes::from_static(b"here"))
        );
        assert!(pages.find("/b.html").is_none());
        assert!(pages.find("/missing.html").is_none());
        assert!(pages.find("/").is_none(), "this folder has no page");
    }
}
