//! HTTP on the WebSocket listeners: the connection, the upgrade, the page and the metrics.

pub mod connection;
pub mod metrics;
pub mod service;
pub mod static_files;
pub mod upgrade;
