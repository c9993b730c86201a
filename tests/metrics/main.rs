//! `GET /metrics` as Prometheus sees it: the real program, Debian's promtool, and Debian's
//! Prometheus scraping it.

#[cfg(test)]
mod node_exporter;
#[cfg(test)]
mod prometheus;
#[cfg(test)]
mod scrape;
#[cfg(test)]
mod trees;
