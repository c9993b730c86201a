//! The static files of the page, built in or from a folder, and the headers of everything that is
//! served.

use std::{
    borrow::Cow,
    future::Future,
    path::{Component, Path, PathBuf},
    pin::Pin,
    rc::Rc,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method,
        header::{self, ETag, EntityTag, Header, IfNoneMatch},
    },
    web::ServiceConfig,
};
use percent_encoding::percent_decode_str;

#[derive(rust_embed::RustEmbed)]
#[folder = "public/"]
struct BuiltIn;

/// The page that `/` leads to.
const INDEX: &str = "monitoring.html";

/// The file that the operator may have in [`OWN_CONFIG`].
const DEFAULT_CONFIG: &str = "monitoring-default-config.js";

/// The operator's copy of the page's default configuration, installed by the packages.
const OWN_CONFIG: &str = "/etc/rtstat/monitoring-default-config.js";

/// What a browser may do with what we serve: nothing but the page's own files and its WebSockets.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Where the page's files come from.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    /// A folder in place of the built-in copy.
    pub folder: Option<PathBuf>,
    /// There is no good configuration: every request is answered 503.
    pub misconfigured: bool,
    /// Whether `/metrics` is answered.
    pub metrics: bool,
}

/// A file to serve.
struct File {
    bytes: Vec<u8>,
    tag: EntityTag,
}

impl Pages {
    /// The file at a URL path, which is decoded already; none when there is no such file below the
    /// root.
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

/// Whether a relative path stays below its root, by its text alone.
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
    let file = BuiltIn::get(path)?;
    let hash = file.metadata.sha256_hash();
    let tag = hash
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Some(File {
        bytes: file.data.into_owned(),
        tag: EntityTag::new_strong(tag),
    })
}

/// A file of the folder, unless a link leads out of it.
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
    let tag = format!("{:x}-{:x}", data.len(), modified.as_nanos());
    Some(File {
        bytes: std::fs::read(path).ok()?,
        tag: EntityTag::new_strong(tag),
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

/// Figures are served here, so the rule against DNS rebinding holds: see
/// [`crate::net::origin_policy`].
const METRICS: &str = "/metrics";

/// Answers a request for the metrics.
pub type Metrics = dyn Fn(HttpRequest) -> Pin<Box<dyn Future<Output = HttpResponse>>>;

/// Serves `pages` at every path, and `metrics` at theirs. `admits_host` says whether a request over
/// TCP may call this machine so.
pub fn configure(
    config: &mut ServiceConfig,
    pages: Rc<Pages>,
    admits_host: impl Fn(&header::HeaderValue) -> bool + Clone + 'static,
    metrics: Rc<Metrics>,
) {
    config.default_service(actix_web::web::to(move |request: HttpRequest| {
        let (pages, admits_host, metrics) =
            (Rc::clone(&pages), admits_host.clone(), Rc::clone(&metrics));
        async move {
            // A proxy that comes over a unix socket has chosen the host itself.
            let direct = request.peer_addr().is_some();
            let refused = |host| direct && request.path() == METRICS && !admits_host(host);
            if request.headers().get(header::HOST).is_some_and(refused) {
                return plain(HttpResponse::Forbidden(), WRONG_HOST);
            }
            if let Some(refusal) = refusal(&pages, &request) {
                return refusal;
            }
            if pages.metrics && request.path() == METRICS {
                return metrics(request).await;
            }
            serve(&pages, &request)
        }
    }));
}

/// What is wrong with a request, whatever it asks for.
fn refusal(pages: &Pages, request: &HttpRequest) -> Option<HttpResponse> {
    if !request.headers().contains_key(header::HOST)
        && request.version() == actix_web::http::Version::HTTP_11
    {
        return Some(plain(
            HttpResponse::BadRequest(),
            "the request has no Host header\n",
        ));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = HttpResponse::MethodNotAllowed();
        response.insert_header((header::ALLOW, "GET, HEAD"));
        return Some(plain(response, "only GET and HEAD are answered here\n"));
    }
    let answer = "the server is misconfigured, see its journal\n";
    pages
        .misconfigured
        .then(|| plain(HttpResponse::ServiceUnavailable(), answer))
}

fn serve(pages: &Pages, request: &HttpRequest) -> HttpResponse {
    let Some(path) = decoded(request.uri().path()) else {
        return not_found(pages);
    };
    let Some(file) = pages.find(&path) else {
        return not_found(pages);
    };
    let known = IfNoneMatch::parse(request).is_ok_and(|known| match known {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|tag| tag.weak_eq(&file.tag)),
    });
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    secure(&mut response);
    response
        .insert_header(ETag(file.tag))
        .insert_header((header::CACHE_CONTROL, "no-cache"));
    if known {
        return response.finish();
    }
    response.insert_header((
        header::CONTENT_TYPE,
        content_type(if path == "/" { INDEX } else { &path }),
    ));
    response.body(file.bytes)
}

fn not_found(pages: &Pages) -> HttpResponse {
    let mut response = HttpResponse::NotFound();
    match pages.find("404.html") {
        Some(file) => {
            secure(&mut response);
            response.insert_header((header::CONTENT_TYPE, content_type("404.html")));
            response.body(file.bytes)
        }
        None => plain(response, "there is no such file here; the page is at /\n"),
    }
}

/// A short text with the headers of everything that is served.
pub fn plain(mut response: actix_web::HttpResponseBuilder, text: &'static str) -> HttpResponse {
    secure(&mut response);
    response.insert_header((header::CONTENT_TYPE, content_type(".txt")));
    response.body(text)
}

/// The headers of everything that is served.
pub const SAFETY: [(&str, &str); 4] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
];

/// Sets [`SAFETY`].
pub fn secure(response: &mut actix_web::HttpResponseBuilder) {
    for header in SAFETY {
        response.insert_header(header);
    }
}

/// A whole answer with a short text, for a connection that ends with it.
#[must_use]
pub fn page(status: &str, text: &str) -> String {
    let mut page = format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
    for (name, value) in SAFETY
        .into_iter()
        .chain([("content-type", content_type(".txt"))])
    {
        page.extend([name, ": ", value, "\r\n"]);
    }
    page.extend([
        "content-length: ",
        &text.len().to_string(),
        "\r\n\r\n",
        text,
    ]);
    page
}

/// Why a request is refused whose `Host` is none of this machine's names.
pub const WRONG_HOST: &str = "this machine is not known by the name in the Host header: reach it by its address, or let \
                              the name in with --allow-host\n";

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
            Some(b"here".to_vec())
        );
        assert!(pages.find("/b.html").is_none());
        assert!(pages.find("/missing.html").is_none());
        assert!(pages.find("/").is_none(), "this folder has no page");
    }
}
