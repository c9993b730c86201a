//! `GET /metrics`: what Prometheus scrapes. A request samples, within the slot's shared snapshot; no
//! timer does.

use std::{cell::RefCell, rc::Rc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, http::header};
use bytes::Bytes;

use crate::{
    http::response::plain,
    net::{
        admission::ConnectionFilter,
        peer::{Origin, Peer},
    },
    plugins::{
        catalog::Catalog,
        families::{Families, plain_text},
    },
    protocol::key_set::PluginSet,
    sampling::{Sampling, latest_reading::ReadingPair, schedule::SLOT, snapshot::Snapshot},
    session::{connection::SessionContext, supervisor::Permit},
};

/// Time limit for the readings of workers. It exceeds the deadline of a single read, so that one
/// blocked file does not hide the plugin's other fields, and stays below the ten seconds after which
/// Prometheus gives up by default.
const TIMEOUT: Duration = Duration::from_secs(3);

const OPEN_METRICS: &str = "application/openmetrics-text";

/// Answers scrapes.
pub(super) struct Scrape {
    context: Rc<SessionContext>,
    filter: Rc<ConnectionFilter>,
    newest: RefCell<Option<Rc<Exposition>>>,
}

/// The texts of one snapshot. Every request of its slot gets them, so that a flood of requests costs
/// one sample and one text.
struct Exposition {
    snapshot: u64,
    open_metrics: Bytes,
    plain: Bytes,
}

impl Scrape {
    #[must_use]
    pub fn new(context: Rc<SessionContext>, filter: Rc<ConnectionFilter>) -> Self {
        Self {
            context,
            filter,
            newest: RefCell::default(),
        }
    }

    /// Answers a request whose method and host were accepted.
    pub async fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let permit = Permit {
            peer: self.peer(request),
            token: bearer(request),
        };
        if !matches!(self.context.supervisor.send(permit).await, Ok(true)) {
            let mut response = HttpResponse::Unauthorized();
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"rtstat\""));
            return plain(
                response,
                "send the token in the header Authorization: Bearer TOKEN\n",
            );
        }
        let Some(exposition) = self.exposition().await else {
            return plain(
                HttpResponse::InternalServerError(),
                "the metrics could not be written\n",
            );
        };
        let mut response = HttpResponse::Ok();
        response
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::VARY, "Accept"));
        let accepted = request
            .headers()
            .get_all(header::ACCEPT)
            .filter_map(|value| value.to_str().ok());
        if accepted
            .into_iter()
            .any(|value| value.contains(OPEN_METRICS))
        {
            let kind = format!("{OPEN_METRICS}; version=1.0.0; charset=utf-8");
            return response
                .insert_header((header::CONTENT_TYPE, kind))
                .body(exposition.open_metrics.clone());
        }
        response.insert_header((
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        ));
        response.body(exposition.plain.clone())
    }

    /// The peer to whom a wrong token is counted.
    fn peer(&self, request: &HttpRequest) -> Peer {
        let mut peer = Peer::direct(
            request
                .peer_addr()
                .map_or(Origin::Unix(u32::MAX), Origin::Tcp),
        );
        let lines = request
            .headers()
            .get_all("x-forwarded-for")
            .map(|line| line.to_str().unwrap_or_default());
        self.filter
            .rules()
            .forward(&mut peer, lines.collect::<Vec<_>>().into_iter());
        peer
    }

    /// The texts of the current slot; none where they cannot be written.
    async fn exposition(&self) -> Option<Rc<Exposition>> {
        let sampling = &self.context.sampling;
        let catalog = sampling.catalog();
        let set = catalog.exported();
        let snapshot = settled(sampling, set).await;
        let newest = self.newest.borrow().clone();
        if let Some(newest) = newest.filter(|newest| newest.snapshot == snapshot.id) {
            return Some(newest);
        }
        let text = families(&snapshot, &catalog, set).open_metrics().ok()?;
        let plain = plain_text(&text).into();
        let exposition = Rc::new(Exposition {
            snapshot: snapshot.id,
            open_metrics: text.into(),
            plain,
        });
        self.newest.replace(Some(Rc::clone(&exposition)));
        Some(exposition)
    }
}

fn families(snapshot: &Snapshot, catalog: &Catalog, set: PluginSet) -> Families {
    let mut families = Families::default();
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    families.gauge(
        "rtstat_build_info",
        "The version of rtstatd, as a label",
        &version,
        1.0,
    );
    for index in set.iter() {
        let pair = current(snapshot, catalog, index);
        let labels = [("plugin", catalog.name(index))];
        let success = f64::from(u8::from(pair.is_some()));
        families.gauge(
            "rtstat_plugin_success",
            "1 where a plugin gave figures for this scrape",
            &labels,
            success,
        );
        if let Some(pair) = pair {
            pair.now.add_families(&mut families);
        }
    }
    families
}

/// A snapshot of `set`, once every worker has answered or [`TIMEOUT`] has passed.
async fn settled(sampling: &Rc<Sampling>, set: PluginSet) -> Rc<Snapshot> {
    let _watched = Watched::new(sampling, set);
    let deadline = sampling.clock.now() + TIMEOUT;
    loop {
        let snapshot = sampling.snapshot(set);
        let answered =
            |index: usize| snapshot.pair(index).is_some() || snapshot.fault(index).is_some();
        if set.iter().all(answered) || sampling.clock.now() >= deadline {
            return snapshot;
        }
        tokio::time::sleep(SLOT).await;
    }
}

/// The reading of a plugin, unless it is stale: a session may have left one that is older than a
/// scrape accepts, or that a failure followed.
fn current<'a>(snapshot: &'a Snapshot, catalog: &Catalog, index: usize) -> Option<&'a ReadingPair> {
    let held = snapshot.pair(index)?;
    let failed = snapshot.fault(index).is_some();
    let oldest = catalog.period(index).max(TIMEOUT).saturating_mul(2);
    (!failed && snapshot.at.saturating_sub(held.now.at()) <= oldest).then_some(held)
}

/// Counts as a session that watches `set` until dropped, because the client may disconnect at any
/// time.
struct Watched<'a> {
    sampling: &'a Sampling,
    set: PluginSet,
}

impl<'a> Watched<'a> {
    fn new(sampling: &'a Sampling, set: PluginSet) -> Self {
        sampling.watch(set, true);
        Self { sampling, set }
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.sampling.watch(self.set, false);
    }
}

/// The token of the header `Authorization: Bearer`, RFC 6750 §2.1.
fn bearer(request: &HttpRequest) -> Option<Vec<u8>> {
    let value = request.headers().get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, rest) = value.split_at_checked("bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| rest.trim_ascii().to_vec())
}
