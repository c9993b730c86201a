//! HTTP on the WebSocket listeners: the connection, the upgrade, the page and the metrics.

pub mod connection;
mod metrics;
mod request;
mod response;
mod service;
pub mod static_files;
mod upgrade;
